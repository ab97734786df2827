import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What .gitignore leaves out, and what git and the system put beside. */
const LEFT_OUT = /^(\.git|node_modules|dist|\.turbo|coverage|\.meshwork|\.scratch|\.DS_Store)$|\.(tgz|log)$/;

/** The files of a tree that are kept, by their paths inside it: those git knows, or in a tree without git (a downloaded archive) whatever is there. */
export function keptFiles(root: string): string[] {
  // A tree inside somebody else's checkout is no checkout: git would answer for the other.
  if (existsSync(join(root, '.git'))) {
    try {
      const names = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      return names.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
    } catch {
      // No git on this machine, or one that does not trust the folder.
    }
  }
  return filesIn(root).map((file) => relative(root, file));
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !LEFT_OUT.test(name))
    .flatMap((entry) => (entry.isDirectory() ? filesIn(join(folder, entry.name)) : entry.isFile() ? [join(folder, entry.name)] : []));
}
