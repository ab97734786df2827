import { InvalidInputError, type StoredValue } from '@meshwork/core';
import { expect } from 'vitest';

/** What both ports owe the values they carry: they are copied on the way in, and are JSON or bytes. */

/** `keep` stores a value, calls `spoil` as soon as the call has returned, and gives back what was kept. */
export async function expectValuesOfTheirOwn(keep: (value: StoredValue, spoil: () => void) => Promise<StoredValue | undefined>): Promise<void> {
  const json = { list: [1] };
  expect(await keep(json, () => json.list.push(2))).toEqual({ list: [1] });

  const bytes = new Uint8Array([1, 2, 3]);
  expect(await keep(bytes, () => bytes.fill(9))).toEqual(new Uint8Array([1, 2, 3]));

  // A Buffer shares memory with others of its pool: neither its neighbours' bytes nor its later ones may be kept.
  const pooled = Buffer.from('secret');
  const kept = await keep(pooled, () => pooled.fill(9));
  expect(kept).toEqual(new Uint8Array(Buffer.from('secret')));
  expect((kept as Uint8Array).buffer.byteLength).toBe(6);

  const part = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  expect(await keep(part, () => part.fill(9))).toEqual(new Uint8Array([2, 3]));

  // As in JSON: a member that is undefined is none, and zero has no sign.
  expect(await keep({ here: 1, gone: undefined, zero: -0 }, () => {})).toStrictEqual({ here: 1, zero: 0 });
  const odd = JSON.parse('{"__proto__":{"a":1},"constructor":2}') as StoredValue;
  expect(JSON.stringify(await keep(odd, () => {}))).toBe('{"__proto__":{"a":1},"constructor":2}');
}

/** `keep` stores a value and must refuse it. */
export async function expectRefusedValues(keep: (value: StoredValue) => Promise<unknown>): Promise<void> {
  const cycle: unknown[] = [];
  cycle.push({ again: cycle });
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  const bad: readonly (readonly [string, unknown])[] = [
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a bigint', 1n],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a date', new Date(0)],
    ['a map', new Map([[1, 2]])],
    ['an object of a class', new (class Point {})()],
    ['an object that says how to be JSON', { toJSON: () => 1 }],
    ['bytes inside JSON', { bytes: new Uint8Array(1) }],
    ['an array of other numbers', new Uint16Array(1)],
    ['a bare buffer', new ArrayBuffer(1)],
    ['a cycle', cycle],
    ['what is nested without end', deep],
    ['an array with holes', Object.assign([], { length: 2 })],
  ];
  for (const [what, value] of bad) {
    for (const nested of [value, { inside: [value] }]) {
      await expect(keep(nested as StoredValue), what).rejects.toThrow(InvalidInputError);
    }
  }
}
