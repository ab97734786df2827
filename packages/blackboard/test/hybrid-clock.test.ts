import { manualClock } from '@meshwork/testing';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { createHybridClock, toMs } from '../src/hybrid-clock.ts';

it('stays by the wall clock, and in order when that stands still or is set back', () => {
  const clock = manualClock();
  const time = createHybridClock(clock);
  const first = time.next();
  expect(toMs(first)).toBe(clock.now());
  expect(time.next()).toBe(first + 1);
  clock.jump(-60_000);
  expect(time.next()).toBe(first + 2);
  clock.advance(120_000);
  expect(toMs(time.next())).toBe(clock.now());
});

it('takes up what others say within a minute, and tells of more', () => {
  const clock = manualClock();
  const refused = vi.fn();
  const [time, other] = [createHybridClock(clock, refused), createHybridClock(clock)];
  clock.jump(60_000);
  const soon = other.next();
  clock.jump(5_000);
  const late = other.next();
  clock.jump(-65_000);
  time.take(soon, 'r');
  expect(time.next()).toBe(soon + 1);
  time.take(late, 'r');
  expect(refused.mock.calls).toEqual([['r', 65_000]]);
  expect(time.next()).toBeLessThan(late);
  time.resume(late);
  expect(time.next()).toBe(late + 1);
});

it('never goes back, and never gives more than 53 bits', () => {
  const step = fc.oneof(fc.record({ jump: fc.integer({ min: -1e12, max: 1e12 }) }), fc.record({ take: fc.nat({ max: Number.MAX_SAFE_INTEGER }) }));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const clock = manualClock();
      const time = createHybridClock(clock);
      let last = -1;
      for (const one of steps) {
        if ('jump' in one) clock.jump(one.jump);
        else time.take(one.take, 'r');
        const next = time.next();
        expect(next).toBeGreaterThan(last);
        expect(Number.isSafeInteger(next)).toBe(true);
        last = next;
      }
    }),
  );
});
