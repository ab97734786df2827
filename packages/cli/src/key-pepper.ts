import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError, usageError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';

const SHORTEST = 32;

/**
 * The pepper for the hub's keys, from the file `MESHWORK_KEY_PEPPER_FILE` names or from `MESHWORK_KEY_PEPPER`; `undefined` when neither is set.
 *
 * @throws {CliError} when both are set, the file cannot be read, or the pepper is shorter than 32 characters.
 */
export async function readKeyPepper(env: Readonly<Record<string, string | undefined>>, cwd: string): Promise<Uint8Array | undefined> {
  // An empty variable is one that is not set.
  const file = env.MESHWORK_KEY_PEPPER_FILE || undefined;
  const said = env.MESHWORK_KEY_PEPPER || undefined;
  if (file !== undefined && said !== undefined)
    throw usageError('MESHWORK_KEY_PEPPER and MESHWORK_KEY_PEPPER_FILE are both set; set one of them, or nobody knows which pepper holds');
  const pepper = file === undefined ? said : await textOf(resolve(cwd, file));
  if (pepper === undefined) return undefined;
  if (pepper.length < SHORTEST)
    throw usageError(`${file === undefined ? 'MESHWORK_KEY_PEPPER' : 'the file MESHWORK_KEY_PEPPER_FILE names'} must hold at least ${SHORTEST} characters`);
  return new TextEncoder().encode(pepper);
}

/** Without the end of the last line, which editors add. */
async function textOf(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new CliError('CONFIG', `the pepper file ${file} that MESHWORK_KEY_PEPPER_FILE names cannot be read`, exitCodes.usage, { cause });
  }
}
