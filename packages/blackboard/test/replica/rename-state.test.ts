import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type BoardState, createBoardState, type Version } from '../../src/index.ts';
import { renameState } from '../../src/replica/rename-state.ts';

const stamp = { time: 1, writer: 'agent' };
const ownTotal = (state: BoardState, key: string): Version | undefined => state.versionsOf(key).find(({ replica }) => replica === state.replica);
const dots = (state: BoardState) => state.context.vector;

it('brings all over under another name, and keeps the old writes as they are', () => {
  const state = createBoardState({ replica: 'old' });
  state.set('a', 1, stamp);
  state.increment('count', 3, stamp);
  const into = createBoardState({ replica: 'new' });
  renameState(state, { into });
  expect(into.digest()).toBe(state.digest());
  expect(dots(into)).toEqual(new Map([['old', 2]]));
  into.increment('count', 1, stamp);
  expect(into.read('count')?.value).toBe(4);
});

it('takes back what was written since, and writes it again under the new name', () => {
  const state = createBoardState({ replica: 'old' });
  state.increment('count', 3, stamp);
  state.set('a', 1, stamp);
  const total = ownTotal(state, 'count')!;
  state.set('a', 2, stamp);
  state.increment('count', 4, stamp);
  const into = createBoardState({ replica: 'new' });
  renameState(state, { into, keep: 2, totals: [total] });
  expect([into.read('a')?.value, into.read('count')?.value]).toEqual([2, 7]);
  expect(dots(into)).toEqual(
    new Map([
      ['old', 2],
      ['new', 2],
    ]),
  );
  // Another one knows what the backup did not: an increment and a write under the same dots.
  const peer = createBoardState({ replica: 'peer' });
  peer.merge({
    entries: [{ key: 'count', versions: [{ ...stamp, key: 'count', replica: 'old', counter: 3, kind: 'count', value: 13 }] }],
    context: { vector: new Map([['old', 3]]), cloud: new Map() },
    covers: { from: new Map(), to: new Map([['old', 3]]) },
  });
  into.merge(peer.deltaSince(dots(into)).delta);
  expect(into.read('count')?.value).toBe(17);
});

it('gives the same for the same state, however it came about', () => {
  const write = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    kind: fc.constantFrom('set' as const, 'delete' as const),
    by: fc.constantFrom('old', 'other'),
  });
  fc.assert(
    fc.property(fc.array(write, { maxLength: 30 }), fc.nat(10), (writes, keep) => {
      const [state, other] = [createBoardState({ replica: 'old' }), createBoardState({ replica: 'other' })];
      for (const [at, { key, kind, by }] of writes.entries()) {
        const [from, to] = by === 'old' ? [state, other] : [other, state];
        const delta = kind === 'set' ? from.set(key, at, stamp) : from.delete(key, stamp);
        if (delta !== undefined && at % 3 === 0) to.merge(from.deltaSince(to.context.vector).delta);
      }
      const copy = createBoardState({ replica: 'old' });
      copy.merge(state.deltaSince(new Map()).delta);
      const [one, two] = [createBoardState({ replica: 'new' }), createBoardState({ replica: 'new' })];
      renameState(state, { into: one, keep });
      renameState(copy, { into: two, keep });
      expect(two.digest()).toBe(one.digest());
      expect([...dots(two)].sort()).toEqual([...dots(one)].sort());
      for (const key of ['a', 'b', 'c']) expect(one.read(key)?.value).toEqual(state.read(key)?.value);
    }),
  );
});
