import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { keptFiles } from './kept-files.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Nothing of these may be in a file that is kept. */
const forbidden: readonly (readonly [string, RegExp])[] = [
  ['a key or token', /\b(mk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}|gt_[A-Za-z0-9_-]{43})\b/],
  ['a private key', /BEGIN [A-Z ]*PRIVATE KEY/],
  ['a path of somebody’s machine', /(?:(?<![\w.*/-])|(?<=file:\/\/))\/(home|root|Users|work|workspaces?|mnt|builds?|runner)\/[\w.@-]/],
  ['a registry host', /registry\.npmjs\.org|npm\.pkg\.github|verdaccio|artifactory/i],
];

describe('the files that are kept', () => {
  const files = keptFiles(root);

  it('are found', () => expect(files).toContain('tests/repository/test/hygiene.test.ts'));

  it.each(forbidden)('hold no %s', (_what, pattern) => {
    const found = files.filter((file) => !file.endsWith('hygiene.test.ts')).filter((file) => pattern.test(readFileSync(join(root, file), 'utf8')));
    expect(found).toEqual([]);
  });

  it('are found in a tree without git too', () => {
    const folder = mkdtempSync(join(tmpdir(), 'archive-'));
    for (const inner of ['src', 'node_modules/a', 'packages/a/dist']) {
      mkdirSync(join(folder, inner), { recursive: true });
      writeFileSync(join(folder, inner, 'index.ts'), '');
    }
    expect(keptFiles(folder)).toEqual(['src/index.ts']);
    rmSync(folder, { recursive: true });
  });
});

describe('what is forbidden', () => {
  const [, , [, machinePath]] = forbidden as [never, never, readonly [string, RegExp]];

  it.each(['see /work/tree/file.ts', '"/home/somebody/x"', "'/Users/somebody/x'", '(/builds/1/a)', 'file:///root/x'])('holds for %s', (text) => {
    expect(machinePath.test(text)).toBe(true);
  });

  it.each(['https://example.org/work/1', '../home/x', 'packages/work/x', '/work', '#!/usr/bin/env node', './work/x', '/etc/hosts'])('spares %s', (text) => {
    expect(machinePath.test(text)).toBe(false);
  });
});
