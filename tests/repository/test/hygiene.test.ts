import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const isCheckout = (() => {
  try {
    execFileSync('git', ['rev-parse', '--is-inside-work-tree'], { cwd: root, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** Nothing of these may be in a file that is kept. */
const forbidden: readonly (readonly [string, RegExp])[] = [
  ['a key or token', /\b(mk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}|gt_[A-Za-z0-9_-]{43})\b/],
  ['a private key', /BEGIN [A-Z ]*PRIVATE KEY/],
  ['a path of somebody’s machine', /(?<![\w.])\/(home|root|Users)\/[a-z]/],
  ['a registry host', /registry\.npmjs\.org|npm\.pkg\.github|verdaccio|artifactory/i],
];

describe.skipIf(!isCheckout)('the files that are kept', () => {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);

  it.each(forbidden)('hold no %s', (_what, pattern) => {
    const found = files.filter((file) => !file.endsWith('hygiene.test.ts')).filter((file) => pattern.test(readFileSync(join(root, file), 'utf8')));
    expect(found).toEqual([]);
  });
});
