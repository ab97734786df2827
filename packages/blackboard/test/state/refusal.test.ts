import { InvalidInputError } from '@meshwork/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BoardState, createBoardState, type Delta, type DeltaEntry, decodeDelta, encodeDelta } from '../../src/index.ts';
import { played } from '../codec/arbitrary-delta.ts';
import { plain } from './oracle.ts';

/** All that can be seen of a state. */
function seen(state: BoardState): unknown {
  const { delta } = state.deltaSince(new Map());
  return {
    delta: plain(delta),
    digest: state.digest(),
    counts: [state.size, state.versions],
    listed: [...state.list('')].map(({ key, value, conflicts }) => [key, value, conflicts]),
    vector: [...state.context.vector].sort(),
  };
}

/** Contradictions that only show once the rest of a delta has been merged. */
const contradictions: Record<string, (delta: Delta, entry: DeltaEntry) => DeltaEntry> = {
  'a key twice': (_, { key, versions }) => ({ key, versions }),
  'a version of another key': (_, { versions }) => ({ key: 'no key of it', versions }),
  'a version that its sender has not seen': (delta, { key, versions: [version] }) => {
    const { kind, time, value, writer } = version!;
    return { key: `${key}, unseen`, versions: [{ key: `${key}, unseen`, replica: 'nobody', counter: 1 + delta.entries.length, kind, time, value, writer }] };
  },
  'no version': (_, { key }) => ({ key, versions: [] }),
};

describe('a delta that contradicts itself', () => {
  it.each(Object.entries(contradictions))('is refused and changes nothing, whatever came of it before: %s', (name, contradict) => {
    let refused = 0;
    fc.assert(
      fc.property(played, fc.nat(), fc.nat(), fc.boolean(), ({ states, deltas }, which, where, isDecoded) => {
        const good = deltas[which % deltas.length]!;
        const entry = good.entries[where % Math.max(1, good.entries.length)];
        if (entry === undefined) return;
        for (const state of [...states, createBoardState({ replica: 'empty' })]) {
          const { entries, context, covers } = isDecoded ? decodeDelta(encodeDelta(good)) : good;
          const bad = { entries: [...entries, contradict(good, entry)], context, covers };
          const control = createBoardState({ replica: state.replica });
          control.merge(state.deltaSince(new Map()).delta);
          const before = seen(state);
          [...state.list('')];
          let error: unknown;
          try {
            state.merge(bad);
          } catch (thrown) {
            error = thrown;
          }
          // A key that is told of twice, and is known already, changes nothing either.
          if (error === undefined && name === 'a key twice') continue;
          expect(error).toBeInstanceOf(InvalidInputError);
          expect(seen(state)).toEqual(before);
          refused++;
          // And nothing is left behind that would show later.
          state.merge({ entries, context, covers });
          control.merge(good);
          expect(state.digest()).toBe(control.digest());
          expect([state.size, [...state.list('')].map(({ key }) => key)]).toEqual([control.size, [...control.list('')].map(({ key }) => key)]);
          expect(state.deltaSince(new Map()).delta.entries.length).toBe(control.deltaSince(new Map()).delta.entries.length);
        }
      }),
      { numRuns: 150 },
    );
    expect(refused).toBeGreaterThan(50);
  });
});
