import { InvalidInputError } from '@meshwork/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../src/codec/byte-reader.ts';
import { ByteWriter } from '../../src/codec/byte-writer.ts';
import { readAfter, writeAfter } from '../../src/codec/front-coding.ts';
import { ValueDecoder } from '../../src/codec/value-decoder.ts';
import { ValueEncoder } from '../../src/codec/value-encoder.ts';
import { ownJson } from '../../src/state/own-json.ts';

const text = fc.string({ unit: 'binary', maxLength: 300, size: 'max' }).filter((made) => made.isWellFormed());

describe('what is written', () => {
  it('is read again: numbers, texts and bytes', () => {
    const signed = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -200, max: 200 }));
    const size = fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constantFrom(127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1));
    fc.assert(
      fc.property(fc.array(fc.tuple(size, signed, fc.double(), text, fc.uint8Array()), { maxLength: 20 }), (rows) => {
        const writer = new ByteWriter();
        for (const [whole, number, float, words, bytes] of rows) {
          writer.varint(whole);
          writer.signed(number);
          writer.float64(float);
          writer.text(words);
          writer.bytes(bytes);
        }
        const reader = new ByteReader(writer.finish());
        for (const [whole, number, float, words, bytes] of rows) {
          expect([reader.varint(), reader.signed(), reader.float64(), reader.text(), [...reader.bytes()]]).toEqual([whole, number, float, words, [...bytes]]);
        }
        reader.end();
      }),
    );
  });

  it('is read again: texts after each other', () => {
    const alike = fc.tuple(fc.constantFrom('', 'task/', 'ä🙂', 'x'.repeat(250), '\u{1f642}', '\u{1f643}'), text).map(([start, end]) => start + end);
    fc.assert(
      fc.property(fc.array(alike, { maxLength: 20 }), (texts) => {
        const writer = new ByteWriter();
        for (const [at, one] of texts.entries()) writeAfter(writer, texts[at - 1] ?? '', one);
        const reader = new ByteReader(writer.finish());
        for (const [at, one] of texts.entries()) expect(readAfter(reader, texts[at - 1] ?? '', 1_000)).toBe(one);
        reader.end();
      }),
      { numRuns: 300 },
    );
  });

  it('is read again: values, whatever was before them', () => {
    const member = fc.oneof(
      fc.integer({ min: -70, max: 70 }),
      fc.maxSafeInteger(),
      fc.constantFrom('open', 'done', 'x'.repeat(64), 'x'.repeat(65)),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const value = fc.oneof(member, fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'task'), member), fc.array(member, { maxLength: 5 }));
    const limits = { maxValueLength: 1e6, maxDepth: 64 };
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60, size: 'max' }), (made) => {
        const values = made.map((one) => ownJson(one, limits));
        const writer = new ByteWriter();
        const encoder = new ValueEncoder(writer, 50);
        for (const one of values) encoder.write(one);
        const reader = new ByteReader(writer.finish());
        const decoder = new ValueDecoder(reader, limits);
        for (const one of values) expect(JSON.stringify(decoder.read())).toBe(JSON.stringify(one));
        reader.end();
      }),
      { numRuns: 500 },
    );
  });

  it('knows more shapes and repeated texts than have numbers', () => {
    const limits = { maxValueLength: 1e6, maxDepth: 64 };
    const writer = new ByteWriter();
    const encoder = new ValueEncoder(writer, 50);
    const values = Array.from({ length: 9_000 }, (_, n) =>
      ownJson({ [`name ${n % 4_500}`]: `text ${n % 4_500}`, twice: [`text ${n % 4_500}`, `text ${n % 4_500}`] }, limits),
    );
    for (const value of values) encoder.write(value);
    const decoder = new ValueDecoder(new ByteReader(writer.finish()), limits);
    for (const value of values) expect(JSON.stringify(decoder.read())).toBe(JSON.stringify(value));
  });

  it.each([-1, 0.5, 2 ** 53, Number.NaN])('is no whole number such as %d', (number) => {
    expect(() => new ByteWriter().varint(number)).toThrow(InvalidInputError);
  });

  it.each([
    ['followed by ASCII', [1 * 8 + 1, 97]],
    ['followed by more', [255, 1, 2, 0xc3, 0xa4]],
    ['at the end', [1 * 8]],
  ])('is not half of a character that the text before has, %s', (_, bytes) => {
    const writer = new ByteWriter();
    writeAfter(writer, '', '🙂');
    writer.raw(new Uint8Array(bytes));
    const reader = new ByteReader(writer.finish());
    expect(readAfter(reader, '', 10)).toBe('🙂');
    expect(() => readAfter(reader, '🙂', 10)).toThrow(InvalidInputError);
  });

  it('is not more than the text before has', () => {
    expect(() => readAfter(new ByteReader(new Uint8Array([3 * 8])), 'ab', 10)).toThrow(InvalidInputError);
  });

  it('is no text with half a surrogate pair', () => {
    expect(() => new ByteWriter().text('\ud800')).toThrow(InvalidInputError);
    expect(() => writeAfter(new ByteWriter(), '', '\udc00')).toThrow(InvalidInputError);
  });
});
