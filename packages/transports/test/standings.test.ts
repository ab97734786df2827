import type { Principal } from '@meshwork/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { errorAnswer, type PlainRequest, type PlainResponse } from '../src/http/plain-http.ts';
import { createStandings, type StandingEnd } from '../src/http/standings.ts';
import { alice } from './world.ts';

const request = {} as PlainRequest;
const refused = errorAnswer(401, -31401, 'unknown');
const unknowable = errorAnswer(503, -31503, 'the store is away');

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Something that stays open, and what the door would say of it. */
function open(principal: Principal = alice, { random = () => 1 }: { random?: () => number } = {}) {
  let says: () => Principal | PlainResponse | Promise<Principal | PlainResponse> = () => principal;
  let withdraw: (id: string | undefined) => void = () => {};
  const looks: number[] = [];
  const errors: unknown[] = [];
  const ends: StandingEnd[] = [];
  const changes: Principal[] = [];
  const standings = createStandings({
    async look() {
      looks.push(Date.now() - 1_000_000);
      return says();
    },
    onWithdrawn(listener) {
      withdraw = listener;
      return () => {
        withdraw = () => {};
      };
    },
    everyMs: 10_000,
    onError: (error) => errors.push(error),
    random,
  });
  const release = standings.watch({ request, principal, onEnd: (why) => ends.push(why), onChange: (now) => changes.push(now) });
  return {
    standings,
    release,
    looks,
    errors,
    ends,
    changes,
    door: (answer: typeof says) => {
      says = answer;
    },
    withdraw: (id: string | undefined) => withdraw(id),
  };
}

describe('something that stays open', () => {
  it('is looked at within the period, and goes on while its caller would be let in', async () => {
    const { looks, ends } = open();
    await vi.advanceTimersByTimeAsync(35_000);
    expect(looks).toEqual([10_000, 20_000, 30_000]);
    expect(ends).toEqual([]);
  });

  it('is not looked at together with all the others', async () => {
    let turn = 0;
    const { looks } = open(alice, { random: () => (turn++ % 2 === 0 ? 0 : 0.5) });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(looks).toEqual([5_000, 12_500, 17_500]);
  });

  it('ends when its caller would not be let in again, or is somebody else', async () => {
    for (const answer of [refused, { ...alice, id: 'bob' }, { ...alice, kind: 'user' } as const]) {
      const { door, ends, looks } = open();
      door(() => answer);
      await vi.advanceTimersByTimeAsync(30_000);
      expect([ends, looks.length]).toEqual([['withdrawn'], 1]);
    }
  });

  it('ends at the time its credential says', async () => {
    const { door, ends } = open({ ...alice, expiresAt: 1_004_000 });
    door(() => (Date.now() >= 1_004_000 ? refused : alice));
    await vi.advanceTimersByTimeAsync(3_999);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual(['expired']);
  });

  it('ends then also when nobody can be asked', async () => {
    const { door, ends } = open({ ...alice, expiresAt: 1_012_000 });
    door(() => unknowable);
    await vi.advanceTimersByTimeAsync(11_999);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual(['expired']);
  });

  it('is looked at each second where others believe the credential a little longer', async () => {
    const expiresAt = 1_004_000;
    const { door, ends, looks } = open({ ...alice, expiresAt });
    door(() => (Date.now() >= expiresAt + 2_500 ? refused : { ...alice, expiresAt }));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(looks).toEqual([4_000, 5_000, 6_000, 7_000]);
    expect(ends).toEqual(['expired']);
  });

  it('ends sooner when its credential is found to end sooner', async () => {
    const { door, ends, changes } = open();
    const shortened = { ...alice, expiresAt: 1_013_000 };
    door(() => (Date.now() >= 1_013_000 ? refused : shortened));
    await vi.advanceTimersByTimeAsync(12_999);
    expect([ends, changes]).toEqual([[], [shortened]]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual(['expired']);
  });

  it('lives longer than a timer can count', async () => {
    const { ends, looks } = open({ ...alice, expiresAt: 1_000_000 + 2 ** 40 });
    await vi.advanceTimersByTimeAsync(25_000);
    expect([ends, looks.length]).toEqual([[], 2]);
  });

  it('is looked at at once when its owner is said to have lost a credential, or anybody is', async () => {
    const { withdraw, looks, door, ends } = open();
    withdraw('bob');
    await vi.advanceTimersByTimeAsync(0);
    expect(looks).toEqual([]);
    withdraw('alice');
    withdraw(undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect([looks, ends]).toEqual([[0, 0], []]);
    door(() => refused);
    withdraw('alice');
    await vi.advanceTimersByTimeAsync(0);
    expect(ends).toEqual(['withdrawn']);
  });

  it('believes the later of two looks, whichever answers first', async () => {
    const { withdraw, door, ends } = open();
    const slow = Promise.withResolvers<Principal>();
    door(() => slow.promise);
    withdraw('alice');
    door(() => refused);
    withdraw('alice');
    await vi.advanceTimersByTimeAsync(0);
    slow.resolve(alice);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(ends).toEqual(['withdrawn']);
  });

  it('goes on, and is looked at again, when a look fails', async () => {
    const { door, errors, ends, looks } = open();
    door(() => Promise.reject(new Error('broken')));
    await vi.advanceTimersByTimeAsync(10_000);
    door(() => unknowable);
    await vi.advanceTimersByTimeAsync(20_000);
    expect([errors.length, ends, looks.length]).toEqual([1, [], 3]);
    door(() => refused);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ends).toEqual(['withdrawn']);
  });

  it('is not watched any more once it is closed, or all are', async () => {
    for (const stop of ['release', 'close'] as const) {
      const { standings, release, withdraw, door, ends, looks } = open();
      door(() => refused);
      if (stop === 'release') release();
      else standings.close();
      withdraw('alice');
      await vi.advanceTimersByTimeAsync(60_000);
      expect([ends, looks]).toEqual([[], []]);
      expect(vi.getTimerCount()).toBe(0);
    }
  });
});
