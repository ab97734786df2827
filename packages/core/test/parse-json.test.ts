import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findJsonFault, InvalidInputError, parseJson } from '@meshwork/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('parsing JSON from outside', () => {
  it.each([
    ['a duplicate key', '{"a":1,"a":2}', /twice/],
    ['a duplicate key in another spelling', '{"a":1,"\\u0061":2}', /twice/],
    ['a duplicate key deep inside', '[{"x":{"k":[],"k":[]}}]', /twice/],
    ['200 levels of nesting', `${'['.repeat(200)}${']'.repeat(200)}`, /levels deep/],
    ['a key named __proto__', '{"__proto__":{}}', /__proto__/],
    ['a lone surrogate', '["\\ud800"]', /surrogate/],
    ['a lone surrogate in a key', '{"\\udc00":1}', /surrogate/],
    ['an open string', '["abc', /not valid JSON/],
    ['an open object', '{"a":', /not valid JSON/],
    ['nothing', '', /not valid JSON/],
  ])('refuses %s', (_what, text, message) => {
    expect(() => parseJson(text)).toThrow(InvalidInputError);
    expect(() => parseJson(text)).toThrow(message);
  });

  it('lets equal keys stand in different objects, and quotes and brackets in texts', () => {
    const text = '{"a":{"a":1},"b":[{"a":2},{"a":3}],"{\\"a\\":1,":"]}\\\\","c":"\\\\\\""}';
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it('agrees with JSON.parse on everything JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), (value) => {
        const text = JSON.stringify(value);
        const parsed = JSON.parse(text);
        if (findJsonFault(parsed) === undefined) expect(parseJson(text)).toEqual(parsed);
        else expect(() => parseJson(text)).toThrow(InvalidInputError);
      }),
      { numRuns: 500 },
    );
  });

  it('never lets a text through that JSON.parse refuses', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', 'a', '1', '\\', ' ') }), (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (!valid) expect(() => parseJson(text)).toThrow(InvalidInputError);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('T19: the size of JSON from outside', () => {
  it('reads no more members than it is told to', () => {
    const text = JSON.stringify(Object.fromEntries(Array.from({ length: 11 }, (_, index) => [index, ':{}'])));
    expect(parseJson(text, { maxMembers: 11 })).toBeTypeOf('object');
    expect(() => parseJson(text, { maxMembers: 10 })).toThrow(/11 members/);
    expect(parseJson(`[${'{"b":1},'.repeat(10_000)}0]`)).toHaveLength(10_001);
    expect(() => parseJson(`[${'{"b":1},'.repeat(10_001)}0]`)).toThrow(/send it in parts/);
  });

  it('reads no more values than it is told to, wherever they are', () => {
    expect(parseJson('[1,[2,{"a":3}],"4,5"]', { maxValues: 6 })).toEqual([1, [2, { a: 3 }], '4,5']);
    expect(() => parseJson('[1,[2,{"a":3}],"4,5",6]', { maxValues: 6 })).toThrow(/more than 6 values/);
    expect(parseJson(`[${'1,'.repeat(99_999)}1]`)).toHaveLength(100_000);
    for (const text of [`[${'1,'.repeat(100_000)}1]`, `[${'[],'.repeat(50_000)}{}]`, `{"a":[${'{},'.repeat(50_000)}{}]}`])
      expect(() => parseJson(text)).toThrow(/more than 100000 values; send it in parts/);
  });

  it('reads no longer string or key than it is told to', () => {
    expect(parseJson('["12345","\\u0031"]', { maxStringLength: 6 })).toEqual(['12345', '1']);
    expect(() => parseJson('["1234567"]', { maxStringLength: 6 })).toThrow(/more than 6 characters/);
    expect(() => parseJson('{"1234567":0}', { maxStringLength: 6 })).toThrow(/more than 6 characters/);
    expect(parseJson(`"${'x'.repeat(262_144)}"`)).toHaveLength(262_144);
    expect(() => parseJson(`"${'x'.repeat(262_145)}"`)).toThrow(/more than 262144 characters/);
  });
});

const corpus = fileURLToPath(new URL('../../../../shared/corpora/json/test_parsing.tar.gz', import.meta.url));

describe.skipIf(!existsSync(corpus))('the JSONTestSuite corpus', () => {
  /** Valid JSON that is refused on purpose. */
  const refused = new Set(['y_object_duplicated_key.json', 'y_object_duplicated_key_and_value.json']);

  it('is refused and accepted as it says', () => {
    const folder = mkdtempSync(join(tmpdir(), 'json-corpus-'));
    try {
      execFileSync('tar', ['-xzf', corpus, '-C', folder]);
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
      const wrong = files.filter((file) => {
        const name = file.split('/').at(-1) ?? '';
        const accepted = accepts(readFileSync(join(folder, file)));
        if (name.startsWith('n_')) return accepted;
        return name.startsWith('y_') && accepted === refused.has(name);
      });
      expect(wrong).toEqual([]);
      expect(files.length).toBeGreaterThan(250);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  function accepts(bytes: Uint8Array): boolean {
    try {
      parseJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
      return true;
    } catch {
      return false;
    }
  }
});
