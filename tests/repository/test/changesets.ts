import { execFileSync } from 'node:child_process';

/** The files that differ from where this branch left the main one, or `undefined` where that cannot be known: a tree without git, or without the main branch. */
export function filesChangedSinceMain(root: string): string[] | undefined {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  for (const main of ['origin/main', 'main']) {
    try {
      const base = git('merge-base', 'HEAD', main).trim();
      return git('diff', '--name-only', '-z', base).split('\0').filter(Boolean);
    } catch {
      // The other name, or none.
    }
  }
  return undefined;
}

export interface Changes {
  readonly files: readonly string[];
  /** The names of packages by their folders in `packages/`. */
  readonly names: ReadonlyMap<string, string>;
  /** The texts of the changesets that are waiting for a release. */
  readonly changesets: readonly string[];
}

/** Packages whose sources have changed and that no changeset names. */
export function packagesWithoutChangeset({ files, names, changesets }: Changes): string[] {
  const folders = new Set(files.map((file) => /^packages\/([^/]+)\/src\//.exec(file)?.[1]));
  const named = new Set(
    changesets.flatMap((text) => [...(/^---\n([\s\S]*?)^---$/m.exec(text)?.[1] ?? '').matchAll(/^["']?([^"'\s]+)["']?:/gm)].map(([, name]) => name)),
  );
  return [...names]
    .filter(([folder, name]) => folders.has(folder) && !named.has(name))
    .map(([, name]) => name)
    .sort();
}
