import { InvalidInputError } from '@meshwork/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../src/codec/byte-reader.ts';
import { ByteWriter } from '../../src/codec/byte-writer.ts';
import { decodeVector, encodeVector } from '../../src/codec/vector-codec.ts';
import { type BoardState, createBoardState, decodeDelta, encodeDelta } from '../../src/index.ts';
import { played } from './arbitrary-delta.ts';

/** Small, quick and the same for a seed (Mulberry32): what is spoilt is chosen a hundred thousand times. */
function chances(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One of the ways in which bytes are spoilt. */
function spoil(bytes: Uint8Array, chance: (below: number) => number): Uint8Array {
  const spoilt = new Uint8Array(bytes);
  const place = () => chance(Math.max(1, spoilt.length));
  switch (chance(6)) {
    case 0:
      return spoilt.map(() => chance(256));
    case 1:
      return spoilt.subarray(0, place());
    case 2:
      for (let times = chance(4); times >= 0; times--) spoilt[place()]! ^= 1 << chance(8);
      return spoilt;
    case 3:
      // A length that means a whole heap.
      spoilt.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f].slice(0, Math.max(1, spoilt.length - 8)), Math.min(place(), Math.max(0, spoilt.length - 8)));
      return spoilt;
    case 4: {
      const [from, to] = [place(), place()];
      spoilt.copyWithin(to, from, from + chance(20));
      return spoilt;
    }
    default:
      return new Uint8Array([1, ...spoilt.subarray(place())]);
  }
}

/** Deltas of many shapes, as bytes. */
function samples(): Uint8Array[] {
  const [all = []] = fc.sample(fc.array(played, { minLength: 12, maxLength: 12 }), { numRuns: 1, seed: 7 });
  return all.flatMap(({ deltas }) => deltas.map((delta) => encodeDelta(delta))).filter(({ length }) => length < 4_000);
}

function held(): BoardState {
  const state = createBoardState({ replica: 'here' });
  for (let n = 0; n < 20; n++) state.set(`rtask/00000${n}`, { task: 'mine', n }, { time: n, writer: 'me' });
  state.increment('counter', 3, { time: 1, writer: 'me' });
  state.add('set', 'x', { time: 1, writer: 'me' });
  return state;
}

describe('hostile bytes', () => {
  it('are refused with one error, or are a delta that a state can merge; a refused one changes nothing', () => {
    const chance = chances(20_260_101);
    const bytes = samples();
    let state = held();
    let [refused, decoded, merged] = [0, 0, 0];
    for (let at = 0; at < 100_000; at++) {
      const spoilt = spoil(bytes[at % bytes.length]!, chance);
      const before = at % 50 === 0 ? fingerprint(state) : undefined;
      try {
        const delta = decodeDelta(spoilt);
        decoded++;
        const unmerged = before ?? fingerprint(state);
        try {
          state.merge(delta);
          merged++;
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidInputError);
          expect(fingerprint(state)).toBe(unmerged);
        }
        // What got in can be told and read on.
        if (decoded % 100 === 0) {
          decodeDelta(encodeDelta(state.deltaSince(new Map()).delta));
          for (const reading of state.list('')) JSON.stringify(reading.value);
          state = held();
        }
      } catch (error) {
        if (!(error instanceof InvalidInputError)) throw error;
        refused++;
        if (before !== undefined) expect(fingerprint(state)).toBe(before);
      }
    }
    expect(refused).toBeGreaterThan(50_000);
    expect(merged).toBeGreaterThan(100);
  });

  it('of a vector are refused with one error, or are a vector', () => {
    const writer = new ByteWriter();
    encodeVector(
      writer,
      new Map([
        ['a', 1],
        ['b', 2 ** 53 - 1],
        ['🙂', 300],
      ]),
    );
    const bytes = writer.finish();
    expect(decodeVector(new ByteReader(bytes))).toEqual(
      new Map([
        ['a', 1],
        ['b', 2 ** 53 - 1],
        ['🙂', 300],
      ]),
    );
    const chance = chances(3);
    for (let at = 0; at < 20_000; at++) {
      try {
        for (const [replica, counter] of decodeVector(new ByteReader(spoil(bytes, chance)))) {
          expect([replica.isWellFormed(), Number.isSafeInteger(counter) && counter > 0]).toEqual([true, true]);
        }
      } catch (error) {
        if (!(error instanceof InvalidInputError)) throw error;
      }
    }
  });

  it.each([
    ['an array of as many items as there can be', [1, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['as many names as there can be', [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a number of nine bytes', [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['a number in a longer form than it needs', [1, 0x80, 0x00]],
    ['nothing but a version', [1]],
  ])('that promise %s are refused at once', (_, bytes) => {
    expect(() => decodeDelta(new Uint8Array(bytes))).toThrow(InvalidInputError);
  });
});

function fingerprint(state: BoardState): string {
  return JSON.stringify([
    state.digest(),
    state.size,
    state.versions,
    [...state.context.vector],
    state.deltaSince(new Map()).delta.entries.length,
    [...state.list('')].length,
  ]);
}
