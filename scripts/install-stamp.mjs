// What an installation depends on, as one value: it changes when a new installation is needed, and not when files are merely touched or copied.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The value for the repository in a folder. @param {string} root */
export function installStamp(root) {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests(root)]) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(`${file}\0`).update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}

function manifests(root) {
  const folders = ['packages', 'examples', 'tests'].flatMap((group) =>
    existsSync(join(root, group))
      ? readdirSync(join(root, group))
          .sort()
          .map((name) => join(group, name))
      : [],
  );
  return ['.', 'bench', ...folders].map((folder) => join(folder, 'package.json'));
}
