import { readFileSync } from 'node:fs';
import { InvalidInputError } from '@meshwork/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBoardState, type Delta, decodeDelta, deltaFromJson, deltaToJson, encodeDelta } from '../../src/index.ts';
import { plain } from '../state/oracle.ts';
import { played } from './arbitrary-delta.ts';

const at = (time: number) => ({ time, writer: 'someone' });

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
          states[1]!.merge(decoded, { changes: false });
        }
        expect(states[1]!.digest()).toBe(states[0]!.digest());
        expect(states[1]!.context.vector).toEqual(states[0]!.context.vector);
        for (const state of states)
          expect(plain(decodeDelta(encodeDelta(state.deltaSince(new Map()).delta)))).toEqual(plain(state.deltaSince(new Map()).delta));
      }),
      { numRuns: 300 },
    );
  });

  it('may be merged by several states, which do not disturb each other', () => {
    const source = createBoardState({ replica: 'a' });
    for (let n = 0; n < 300; n++) source.set(`k${n}`, n, at(n * 2 ** 24));
    const decoded = decodeDelta(encodeDelta(source.deltaSince(new Map()).delta));
    const before = plain(decoded);
    const [one, two] = ['one', 'two'].map((replica) => createBoardState({ replica })) as [
      ReturnType<typeof createBoardState>,
      ReturnType<typeof createBoardState>,
    ];
    one.merge(decoded);
    for (let n = 0; n < 300; n++) one.set(`k${n}`, -n, at(n));
    two.merge(decoded);
    expect(two.digest()).toBe(source.digest());
    expect(plain(two.deltaSince(new Map()).delta)).toEqual(before);
    expect(plain(decoded)).toEqual(before);
    two.merge(decodeDelta(encodeDelta(one.deltaSince(two.context.vector).delta)));
    expect(two.digest()).toBe(one.digest());
  });

  it('hold values that nobody can change', () => {
    const source = createBoardState({ replica: 'a' });
    const bytes = encodeDelta(source.set('k', { list: [{ n: 1 }] }, at(1)));
    const value = decodeDelta(bytes).entries[0]?.versions[0]?.value as { list: { n: number }[] };
    expect(() => value.list.push({ n: 2 })).toThrow(TypeError);
    expect(() => Object.assign(value.list[0]!, { n: 2 })).toThrow(TypeError);
  });

  it('are few: what entries have in common is written once', () => {
    const source = createBoardState({ replica: 'a replica with a long name' });
    for (let n = 0; n < 1_000; n++) source.set(`task/${String(n).padStart(6, '0')}`, { task: `summarise report ${n}`, status: 'open', n }, at(n * 5_000));
    expect(encodeDelta(source.deltaSince(new Map()).delta).length).toBeLessThan(20_000);
  });

  it('of a version that is not known are refused with the advice to update', () => {
    const bytes = encodeDelta(createBoardState({ replica: 'a' }).set('k', 1, at(1)));
    bytes[0] = 2;
    expect(() => decodeDelta(bytes)).toThrow(/version 2.*update/);
    expect(() => decodeDelta(new Uint8Array())).toThrow(InvalidInputError);
  });

  it.each(['whole', 'ahead', 'empty'])('of version 1 stay readable: %s', (name) => {
    const { bytes, delta } = JSON.parse(readFileSync(new URL(`../fixtures/delta-v1-${name}.json`, import.meta.url), 'utf8')) as {
      bytes: string;
      delta: unknown;
    };
    expect(deltaToJson(decodeDelta(Buffer.from(bytes, 'base64')))).toEqual(delta);
  });
});

describe('bytes that are no delta', () => {
  it.each<[string, (delta: Delta) => Delta]>([
    ['a key that is too long', (delta) => rewritten(delta, { key: 'k'.repeat(1_025) })],
    ['a value that is too large', (delta) => rewritten(delta, { value: 'v'.repeat(1_048_576) })],
    ['a value that is too deep', (delta) => rewritten(delta, { value: JSON.parse('['.repeat(65) + ']'.repeat(65)) })],
    ['half a number of times that something was counted', (delta) => rewritten(delta, { kind: 'count', value: 1.5 })],
    ['a count that is a text', (delta) => rewritten(delta, { kind: 'count', value: '1' })],
    ['a number that JSON lacks', (delta) => rewritten(delta, { value: Number.NaN })],
    ['a counter of nothing', (delta) => rewritten(delta, { counter: 0 })],
    ['a negative time', (delta) => rewritten(delta, { time: -1 })],
    ['a time of expiry before all times', (delta) => rewritten(delta, { expiresAt: -1 })],
    ['a writer whose name is too long', (delta) => rewritten(delta, { writer: 'w'.repeat(1_025) })],
    ['more covered than seen', (delta) => ({ ...delta, covers: { from: new Map(), to: new Map([['a', 2]]) } })],
  ])('are refused: %s', (_, spoil) => {
    const { entries, context, covers } = createBoardState({ replica: 'a' }).set('k', 1, at(1));
    const spoilt = spoil({ entries, context, covers });
    expect(() => decodeDelta(encodeDelta(spoilt))).toThrow(InvalidInputError);
    expect(() => deltaFromJson(deltaToJson(spoilt))).toThrow(InvalidInputError);
  });

  it('are refused by the limits that are given', () => {
    const bytes = encodeDelta(createBoardState({ replica: 'a' }).set('key', 'value', at(1)));
    expect(decodeDelta(bytes, { maxKeyLength: 3, maxValueLength: 7 }).entries).toHaveLength(1);
    expect(() => decodeDelta(bytes, { maxKeyLength: 2 })).toThrow(InvalidInputError);
    expect(() => decodeDelta(bytes, { maxValueLength: 6 })).toThrow(InvalidInputError);
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

/** Of a delta with one version, one that nobody could have written. */
function rewritten(delta: Delta, change: Record<string, unknown>): Delta {
  const version = delta.entries[0]!.versions[0]!;
  const { key, replica, counter, time, kind, value, writer, expiresAt } = version;
  const changed = { key, replica, counter, time, kind, value, writer, ...(expiresAt !== undefined && { expiresAt }), ...change } as typeof version;
  return { ...delta, entries: [{ key: changed.key, versions: [changed] }] };
}
