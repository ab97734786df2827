import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { filesChangedSinceMain, packagesWithoutChangeset } from './changesets.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const files = existsSync(join(root, '.git')) ? filesChangedSinceMain(root) : undefined;

describe('a change of a package', () => {
  it.skipIf(files === undefined)('has a changeset', () => {
    const names = new Map(
      readdirSync(join(root, 'packages')).map((folder) => [folder, JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')).name]),
    );
    const changesets = readdirSync(join(root, '.changeset'))
      .filter((name) => name.endsWith('.md') && name !== 'README.md')
      .map((name) => readFileSync(join(root, '.changeset', name), 'utf8'));
    expect(packagesWithoutChangeset({ files: files ?? [], names, changesets }), 'describe the change with `pnpm changeset`').toEqual([]);
  });
});

describe('looking for changesets', () => {
  const names = new Map([
    ['core', '@meshwork/core'],
    ['cli', 'meshwork'],
  ]);

  it('misses one for each package whose sources have changed', () => {
    const changed = ['packages/core/src/a.ts', 'packages/cli/src/deep/b.ts'];
    expect(packagesWithoutChangeset({ files: changed, names, changesets: [] })).toEqual(['@meshwork/core', 'meshwork']);
    const changesets = ["---\n'@meshwork/core': minor\n---\n\nBetter. meshwork: too.\n"];
    expect(packagesWithoutChangeset({ files: changed, names, changesets })).toEqual(['meshwork']);
    expect(packagesWithoutChangeset({ files: changed, names, changesets: [...changesets, '---\nmeshwork: patch\n---\n\nAlso.\n'] })).toEqual([]);
  });

  it('asks for none for tests, documents and versions', () => {
    const changed = ['packages/core/README.md', 'packages/core/test/a.test.ts', 'packages/cli/package.json', 'scripts/a.mjs', 'src/a.ts'];
    expect(packagesWithoutChangeset({ files: changed, names, changesets: [] })).toEqual([]);
  });
});
