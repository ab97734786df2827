import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkPackage } from '../../../scripts/check-boundaries.ts';

/** A package folder with these files and these parts of a manifest; returns the rules it breaks. */
async function rulesBrokenBy(name: string, files: Record<string, string>, manifest: object = {}): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'boundaries-'));
  await mkdir(join(folder, 'src'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, ...manifest }));
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, 'src', file), text);
  const violations = checkPackage(folder);
  await rm(folder, { recursive: true });
  return violations.map(({ rule, line }) => `${line}: ${rule}`).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

describe('the rule of the rooms', () => {
  it('lets a module import core', async () => {
    expect(
      await rulesBrokenBy(
        '@meshwork/guardian',
        { 'index.ts': "import { createHub } from '@meshwork/core';" },
        { dependencies: { '@meshwork/core': 'workspace:^' } },
      ),
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
    [
      'a portable package that reaches Node by its old name',
      '@meshwork/guardian',
      { 'index.ts': "import { readFile } from 'fs/promises';\nimport fs from 'fs';" },
      [
        '1: the root entry of @meshwork/guardian runs everywhere and may not reach fs/promises',
        '2: the root entry of @meshwork/guardian runs everywhere and may not reach fs',
      ],
    ],
    [
      'a portable entry that reaches Node, whatever the root entry may do',
      '@meshwork/transports',
      {
        'index.ts': "export * from './a.ts';\nimport 'node:http';",
        'fetch.ts': "\nexport * from './a.ts';",
        'a.ts': "\n\nimport type { Readable } from 'node:stream';",
      },
      ['3: @meshwork/transports/fetch runs everywhere and may not reach node:stream'],
    ],
    [
      'a path into another package',
      '@meshwork/audit',
      {
        'index.ts': "export { a } from './a.ts';\nexport type { B } from '../../guardian/src/index.ts';",
        'a.ts': "export const a = await import('../../../b.ts');",
      },
      [
        '1: @meshwork/audit may not reach outside its folder, to ../../../b.ts',
        '2: @meshwork/audit may not reach outside its folder, to ../../guardian/src/index.ts',
      ],
    ],
    [
      'a path from the top of the machine',
      '@meshwork/audit',
      { 'index.ts': "import '/somewhere/else.ts';\nimport 'file:///somewhere/else.ts';" },
      [
        '1: @meshwork/audit may not reach outside its folder, to /somewhere/else.ts',
        '2: @meshwork/audit may not reach outside its folder, to file:///somewhere/else.ts',
      ],
    ],
    [
      'every way to import',
      '@meshwork/core',
      {
        'index.ts': [
          "import '@meshwork/a';",
          'import type { B } from "@meshwork/b";',
          'import {',
          '  c, // of c',
          "} from '@meshwork/c';",
          'const d = await import(`@meshwork/d`);',
          "const e = require('@meshwork/e');",
          "type F = import('@meshwork/f').F;",
          'const g = `${await import("@meshwork/g")} ${`${{ h: 1 }}`}`;',
          'const quote = /["\'`]/.test("") || 4 / 2 / 1;',
          'import i = require("@meshwork/i");',
        ].join('\n'),
      },
      ['1 a', '2 b', '5 c', '6 d', '7 e', '8 f', '9 g', '11 i'].map((at) => `${at.replace(' ', ': @meshwork/core may not import @meshwork/')}`),
    ],
    ['a package nobody has placed', '@meshwork/new', { 'index.ts': '' }, ['1: @meshwork/new is not in the table of scripts/check-boundaries.ts']],
  ])('finds %s', async (_what, name, files, expected) => {
    expect(await rulesBrokenBy(name, files as unknown as Record<string, string>)).toEqual(expected);
  });

  it('leaves alone what only reads like an import', async () => {
    const text = [
      "// import { audit } from '@meshwork/audit';",
      "/* export * from '@meshwork/audit'; */",
      "/**\n * @example import '@meshwork/audit';\n */",
      'export const example = "import \'@meshwork/audit\'";',
      "export const template = `import '@meshwork/audit' ${1} from '@meshwork/audit'`;",
      "export const list = Array.from('@meshwork/audit');",
      "export const regex = /from '@meshwork\\/audit'/;",
      'export const loader = { import: (name: string) => name };',
      "loader.import('@meshwork/audit');",
      "export const url = 'https://example.org'; // from '@meshwork/audit'",
    ].join('\n');
    expect(await rulesBrokenBy('@meshwork/guardian', { 'index.ts': text })).toEqual([]);
  });

  it.each(['dependencies', 'peerDependencies', 'optionalDependencies'])('finds a package that is only declared, among the %s', async (kind) => {
    expect(await rulesBrokenBy('@meshwork/audit', { 'index.ts': '' }, { [kind]: { '@meshwork/guardian': 'workspace:^' } })).toEqual([
      '1: @meshwork/audit may not depend on @meshwork/guardian',
    ]);
  });

  it('lets tests use whom they like', async () => {
    expect(await rulesBrokenBy('@meshwork/audit', { 'index.ts': '' }, { devDependencies: { '@meshwork/testing': 'workspace:^' } })).toEqual([]);
  });
});
