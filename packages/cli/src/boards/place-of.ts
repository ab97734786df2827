import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { DataFolder } from '../data-folder.ts';

/**
 * Where a hub's data is: this machine, this path, this very file. A copy is somewhere else, so that two hubs never go on as one: also one that was put where
 * the original had been, as from a backup.
 */
export async function placeOf({ path, database }: DataFolder): Promise<string> {
  const machine = await readFile('/etc/machine-id', 'utf8').catch(hostname);
  const file = await stat(database).then(
    ({ ino }) => String(ino),
    () => '',
  );
  return createHash('sha256')
    .update(JSON.stringify([machine.trim(), await realpath(path), file]))
    .digest('base64url')
    .slice(0, 22);
}
