import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where a hub keeps what it knows. */
export interface DataFolder {
  readonly path: string;
  readonly database: string;
  readonly adminKeyFile: string;
}

export function dataFolder(path: string): DataFolder {
  return { path, database: join(path, 'hub.db'), adminKeyFile: join(path, 'admin.key') };
}

/** Makes the folder, for the owner only. */
export async function prepareFolder({ path }: DataFolder): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** Writes the admin key where only the owner can read it, whole or not at all. */
export async function writeAdminKey({ adminKeyFile }: DataFolder, key: string): Promise<void> {
  const draft = `${adminKeyFile}.new`;
  await writeFile(draft, `${key}\n`, { mode: 0o600, flush: true });
  await chmod(draft, 0o600);
  await rename(draft, adminKeyFile);
}

/** The admin key, or `undefined` when there is none to read. */
export async function readAdminKey({ adminKeyFile }: DataFolder): Promise<string | undefined> {
  try {
    return (await readFile(adminKeyFile, 'utf8')).trim();
  } catch {
    return undefined;
  }
}
