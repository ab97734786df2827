import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBoardState, decodeDelta, deltaFromJson, deltaToJson, encodeDelta } from '../../src/index.ts';
import { plain } from '../state/oracle.ts';
import { played } from './arbitrary-delta.ts';

describe('the bytes of a delta', () => {
  it('give the same delta again, that merges to the same', () => {
    fc.assert(
      fc.property(played, ({ deltas }) => {
        const states = ['x', 'y'].map((replica) => createBoardState({ replica }));
        for (const delta of deltas) {
          const decoded = decodeDelta(encodeDelta(delta));
          expect(plain(decoded)).toEqual(plain(delta));
          expect(decoded.entries.map(({ key }) => key)).toEqual(delta.entries.map(({ key }) => key));
          states[0]!.merge(delta);
          states[1]!.merge(decoded);
        }
        expect(states[1]!.digest()).toBe(states[0]!.digest());
        expect(states[1]!.context.vector).toEqual(states[0]!.context.vector);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the JSON of a delta', () => {
  it('gives the same delta again', () => {
    fc.assert(
      fc.property(played, ({ deltas }) => {
        for (const delta of deltas) expect(plain(deltaFromJson(JSON.parse(JSON.stringify(deltaToJson(delta)))))).toEqual(plain(delta));
      }),
      { numRuns: 200 },
    );
  });
});
