import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHashKey, halfSipHash } from '../../src/state/half-sip-hash.ts';
import { TextTable } from '../../src/state/text-table.ts';

interface Named {
  readonly name: string;
  readonly number: number;
}

const open = () => new TextTable<Named>(({ name }) => name);

const name = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map((n) => `key/${n}`),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const step = fc.oneof(
  { weight: 120, arbitrary: fc.record({ what: fc.constant('set' as const), name }) },
  { weight: 80, arbitrary: fc.record({ what: fc.constant('delete' as const), name }) },
  { weight: 60, arbitrary: fc.record({ what: fc.constant('get' as const), name }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('clear' as const), name }) },
);

describe('a table of texts', () => {
  it('holds what a Map does, whatever came and went', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
        const table = open();
        const map = new Map<string, Named>();
        for (const [number, { what, name }] of steps.entries()) {
          if (what === 'set') {
            const value = { name, number };
            expect(table.set(name, value)).toBe(!map.has(name));
            map.set(name, value);
          } else if (what === 'delete') {
            table.delete(name);
            map.delete(name);
          } else if (what === 'clear') {
            table.clear();
            map.clear();
          }
          expect(table.get(name)).toBe(map.get(name));
          expect(table.size).toBe(map.size);
        }
        for (const [name, value] of map) expect(table.get(name)).toBe(value);
        expect(new Set(table.values())).toEqual(new Set(map.values()));
        expect([...table.values()]).toHaveLength(map.size);
      }),
      { numRuns: 300 },
    );
  });

  it('grows to any number of texts, and finds none that is not there', () => {
    const table = open();
    for (let number = 0; number < 20_000; number++) table.set(`key/${number}`, { name: `key/${number}`, number });
    for (let number = 0; number < 20_000; number += 2) table.delete(`key/${number}`);
    for (let number = 0; number < 20_000; number++) expect(table.get(`key/${number}`)?.number).toBe(number % 2 === 0 ? undefined : number);
    for (let number = 0; number < 20_000; number++) expect(table.get(`other/${number}`)).toBeUndefined();
    expect(table.size).toBe(10_000);
  });

  it('holds on to those that stay while nearly all go, in their order', () => {
    const table = open();
    for (let number = 0; number < 20_000; number++) table.set(`key/${number}`, { name: `key/${number}`, number });
    for (let number = 0; number < 20_000; number++) if (number % 1_000 !== 0) table.delete(`key/${number}`);
    expect([...table.values()].map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, at) => at * 1_000));
    for (let at = 0; at < 20; at++) expect(table.get(`key/${at * 1_000}`)?.number).toBe(at * 1_000);
    expect(table.set('key/1', { name: 'key/1', number: 1 })).toBe(true);
    expect([...table.values()].at(-1)?.number).toBe(1);
  });

  it('gives values in the order in which they came', () => {
    const table = open();
    for (let number = 0; number < 100; number++) table.set(`key/${99 - number}`, { name: `key/${99 - number}`, number });
    expect([...table.values()].map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, at) => at));
  });
});

describe('the hash of a text', () => {
  it('depends on the key, on every character and on the length', () => {
    const [one, other] = [createHashKey(), createHashKey()];
    const texts = Array.from({ length: 1_000 }, (_, at) => `task/${String(at).padStart(6, '0')}`);
    const hashes = new Set(texts.map((text) => halfSipHash(text, one)));
    expect(hashes.size).toBeGreaterThan(995);
    expect(texts.filter((text) => halfSipHash(text, one) === halfSipHash(text, other)).length).toBeLessThan(5);
    expect(halfSipHash('a', one)).not.toBe(halfSipHash('a\0', one));
    expect(halfSipHash('', one)).not.toBe(halfSipHash('\0', one));
    expect(halfSipHash('ab', one)).toBe(halfSipHash('ab', one));
  });

  it('is that of the reference for a key and a text', () => {
    // HalfSipHash-1-3 of the bytes 61 00 62 00 63 00 with the key 00 01 ... 07, reckoned by the reference's steps.
    expect(halfSipHash('abc', Int32Array.from([0x03020100, 0x07060504]))).toBe(reference([0x61, 0, 0x62, 0, 0x63, 0], 0x03020100, 0x07060504));
  });
});

/** The authors' C, with BigInt for words. */
function reference(bytes: readonly number[], key0: number, key1: number): number {
  const word = (n: bigint) => n & 0xffffffffn;
  const turn = (n: bigint, by: bigint) => word((n << by) | (word(n) >> (32n - by)));
  let [v0, v1, v2, v3] = [BigInt(key0), BigInt(key1), 0x6c796765n ^ BigInt(key0), 0x74656462n ^ BigInt(key1)];
  const round = () => {
    v0 = word(v0 + v1);
    v1 = turn(v1, 5n) ^ v0;
    v0 = turn(v0, 16n);
    v2 = word(v2 + v3);
    v3 = turn(v3, 8n) ^ v2;
    v0 = word(v0 + v3);
    v3 = turn(v3, 7n) ^ v0;
    v2 = word(v2 + v1);
    v1 = turn(v1, 13n) ^ v2;
    v2 = turn(v2, 16n);
  };
  const whole = bytes.length - (bytes.length % 4);
  const take = (from: number, to: number) => bytes.slice(from, to).reduce((sum, byte, at) => sum | (BigInt(byte) << BigInt(8 * at)), 0n);
  for (let at = 0; at < whole; at += 4) {
    const block = take(at, at + 4);
    v3 ^= block;
    round();
    v0 ^= block;
  }
  const last = take(whole, bytes.length) | (BigInt(bytes.length & 255) << 24n);
  v3 ^= last;
  round();
  v0 ^= last;
  v2 ^= 0xffn;
  for (let at = 0; at < 3; at++) round();
  return Number(BigInt.asIntN(32, v1 ^ v3));
}
