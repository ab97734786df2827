import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';

const OTHERS = 0o077;
// Windows keeps no such bits; its files in a user's folder are the user's.
const hasModes = process.platform !== 'win32';

/** Reads a file that only its owner may read; `undefined` when there is none. @throws {CliError} `LOGIN_UNSAFE` when others may, or it is a link. */
export async function readPrivateFile(file: string): Promise<string | undefined> {
  try {
    await checkFolder(dirname(file));
    await using handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    const { mode, uid } = await handle.stat();
    if (isOpenToOthers(mode, uid)) throw unsafe(file, `chmod 600 ${file}`);
    return await handle.readFile('utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw unsafe(file, `remove the link ${file}`);
    throw error;
  }
}

/** Writes a file whole or not at all, in a folder that only the owner may enter. */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await checkFolder(folder);
  const draft = `${file}.${crypto.randomUUID()}.new`;
  try {
    await using handle = await open(draft, 'wx', 0o600);
    await handle.writeFile(text);
    await handle.sync();
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** @throws {CliError} `LOGIN_UNSAFE` when others may enter the folder. */
async function checkFolder(folder: string): Promise<void> {
  const found = await lstat(folder);
  if (!found.isDirectory()) throw unsafe(folder, `remove ${folder}, which is no folder`);
  if (isOpenToOthers(found.mode, found.uid)) throw unsafe(folder, `chmod 700 ${folder}`);
}

function isOpenToOthers(mode: number, uid: number): boolean {
  return hasModes && ((mode & OTHERS) !== 0 || uid !== process.getuid?.());
}

function unsafe(path: string, remedy: string): CliError {
  return new CliError(
    'LOGIN_UNSAFE',
    `others than you may read ${path}, where a login is kept, so it is not used; log out and in again if somebody may have read it, or else: ${remedy}`,
    exitCodes.refused,
  );
}
