import { expect, it } from 'vitest';
import { createLevels } from '../src/levels.ts';

it('goes by the longest prefix that says something', () => {
  const levels = createLevels({
    level: 'session',
    rules: [
      { prefix: 'a/', level: 'strong' },
      { prefix: 'a/b/', level: 'eventual', ttlMs: 10 },
      { prefix: 'a/b/c/', ttlMs: 20 },
    ],
  });
  expect(['x', 'a/x', 'a/b/x', 'a/b/c/x'].map((key) => [levels.of(key), levels.ttlMsOf(key)])).toEqual([
    ['session', undefined],
    ['strong', undefined],
    ['eventual', 10],
    ['eventual', 20],
  ]);
  expect(['', 'a/', 'a/x', 'a/b/', 'b'].map(levels.mayBeStrong)).toEqual([true, true, true, false, false]);
});

it('has strong keys where writers may choose, and replicated ones', () => {
  const levels = createLevels({
    rules: [
      { prefix: 'a/', level: 'chosen', ttlMs: 5 },
      { prefix: 'a/b/', level: 'session' },
    ],
  });
  expect(['x', 'a/x', 'a/b/x'].map((key) => [levels.of(key), levels.replicatedAs(key)])).toEqual([
    ['eventual', 'eventual'],
    ['chosen', 'eventual'],
    ['session', 'session'],
  ]);
  expect(['', 'a/', 'a/b/', 'b'].map(levels.mayBeStrong)).toEqual([true, true, false, false]);
  expect(levels.hasChosen).toBe(true);
  expect(createLevels({ level: 'chosen' }).hasChosen).toBe(true);
  expect(createLevels({ level: 'strong' }).hasChosen).toBe(false);
});

it('has one fingerprint for rules that give every key the same level', () => {
  const one = createLevels({
    rules: [
      { prefix: 'a', level: 'strong' },
      { prefix: 'b', ttlMs: 5 },
    ],
  }).fingerprint;
  expect(createLevels({ level: 'eventual', rules: [{ prefix: 'a', level: 'strong' }] }).fingerprint).toBe(one);
  expect(createLevels({ rules: [{ prefix: 'b', level: 'strong' }] }).fingerprint).not.toBe(one);
  expect(createLevels({ rules: [{ prefix: 'a', level: 'chosen' }] }).fingerprint).not.toBe(one);
});

it.for([
  { rules: [{ prefix: 'a', level: 'linearizable' as never }] },
  { rules: [{ prefix: 'a', ttlMs: 0.5 }] },
  { rules: [{ prefix: 'a' }, { prefix: 'a' }] },
  { rules: [{ prefix: 'a', level: 'strong' as const, ttlMs: 5 }] },
  { rules: [{ prefix: '\ud800' }] },
])('refuses rules that are none: $rules', (settings) => {
  expect(() => createLevels(settings)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
});
