import { link, open, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';

export interface FileLockOptions {
  /** A lock older than this is of a process that ended without giving it back. Longer than any renewal takes. Default 90,000. */
  readonly staleMs?: number;
  /** How long to wait for another process. Default 120,000. */
  readonly patienceMs?: number;
}

/**
 * Does work that only one process may do at a time: two that show one refresh token at once look to the authorization server like its thief and
 * its owner, and both are locked out (RFC 9700 section 4.14.2).
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>, { staleMs = 90_000, patienceMs = 120_000 }: FileLockOptions = {}): Promise<T> {
  const deadline = Date.now() + patienceMs;
  while (!(await take(file))) {
    if (Date.now() > deadline) throw new CliError('BUSY', `another process holds ${file}; if there is none, remove it`, exitCodes.refused);
    await breakStale(file, staleMs);
    await wait(25);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<boolean> {
  try {
    await (await open(file, 'wx', 0o600)).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves it away before it is removed; when it was no longer the stale one but the next, it is put back. */
async function breakStale(file: string, staleMs: number): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined || Date.now() - found.mtimeMs < staleMs) return;
  const away = `${file}.${crypto.randomUUID()}`;
  await rename(file, away).catch(() => {});
  const taken = await stat(away).catch(() => undefined);
  if (taken !== undefined && taken.ino !== found.ino) await link(away, file).catch(() => {});
  await rm(away, { force: true });
}
