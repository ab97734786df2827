import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkPackage } from '../../../scripts/check-boundaries.ts';

/** A package folder with these files; returns the rules it breaks. */
async function rulesBrokenBy(name: string, files: Record<string, string>, dependencies: Record<string, string> = {}): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'boundaries-'));
  await mkdir(join(folder, 'src'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, dependencies }));
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, 'src', file), text);
  const violations = checkPackage(folder);
  await rm(folder, { recursive: true });
  return violations.map(({ rule, line }) => `${line}: ${rule}`);
}

describe('the rule of the rooms', () => {
  it('lets a module import core', async () => {
    expect(
      await rulesBrokenBy('@meshwork/guardian', { 'index.ts': "import { createHub } from '@meshwork/core';" }, { '@meshwork/core': 'workspace:^' }),
    ).toEqual([]);
  });

  it.each([
    [
      'a module that imports another',
      '@meshwork/guardian',
      { 'index.ts': "\nimport { audit } from '@meshwork/audit';" },
      ['2: @meshwork/guardian may not import @meshwork/audit'],
    ],
    [
      'a module that imports another when it runs',
      '@meshwork/audit',
      { 'index.ts': "await import('@meshwork/guardian/cedar');" },
      ['1: @meshwork/audit may not import @meshwork/guardian/cedar'],
    ],
    [
      'core that imports anybody',
      '@meshwork/core',
      { 'index.ts': "export * from '@meshwork/transports';" },
      ['1: @meshwork/core may not import @meshwork/transports'],
    ],
    [
      'a portable package that reaches Node',
      '@meshwork/core',
      { 'index.ts': "export * from './a.ts';", 'a.ts': "import 'node:fs';" },
      ['1: the root entry of @meshwork/core runs everywhere and may not reach node:fs'],
    ],
    ['a package nobody has placed', '@meshwork/new', { 'index.ts': '' }, ['1: @meshwork/new is not in the table of scripts/check-boundaries.ts']],
  ])('finds %s', async (_what, name, files, expected) => {
    expect(await rulesBrokenBy(name, files as unknown as Record<string, string>)).toEqual(expected);
  });

  it('finds a dependency that is only declared', async () => {
    expect(await rulesBrokenBy('@meshwork/audit', { 'index.ts': '' }, { '@meshwork/guardian': 'workspace:^' })).toEqual([
      '1: @meshwork/audit may not depend on @meshwork/guardian',
    ]);
  });
});
