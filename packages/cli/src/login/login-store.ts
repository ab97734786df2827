import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from '../cli-error.ts';
import type { DataFolder } from '../data-folder.ts';
import { exitCodes } from '../exit-codes.ts';
import { withFileLock } from './file-lock.ts';
import { hubNames, isResourceOf } from './hub-names.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';
import { type StoredLogin, storedLoginSchema } from './stored-login.ts';

/** The logins of a data folder, one for each hub. */
export interface LoginStore {
  /** The login for the hub at this endpoint. @throws {CliError} when there is one that cannot be trusted: `LOGIN_UNSAFE`, `LOGIN_BROKEN`, `LOGIN_ELSEWHERE`. */
  find(url: string): Promise<StoredLogin | undefined>;
  save(login: StoredLogin): Promise<void>;
  /** Removes what is kept for the hub at this endpoint, readable or not. */
  remove(url: string): Promise<void>;
  /** Does work that changes the login of a resource, while no other process does. */
  exclusively<T>(resource: string, work: () => Promise<T>): Promise<T>;
  fileOf(resource: string): string;
}

export function createLoginStore({ path }: DataFolder): LoginStore {
  const folder = join(path, 'logins');
  const fileOf = (resource: string) => join(folder, `${createHash('sha256').update(nameOf(resource)).digest('hex').slice(0, 32)}.json`);
  const files = (url: string) => hubNames(url).map(fileOf);
  return {
    fileOf,
    async find(url) {
      for (const file of files(url)) {
        const text = await readPrivateFile(file);
        if (text === undefined) continue;
        const login = parse(text, file);
        // The name of a file is no proof: a copied one would show a hub the token of another.
        if (!isResourceOf(login.resource, url))
          throw new CliError(
            'LOGIN_ELSEWHERE',
            `the login kept in ${file} is for ${login.resource} and not for the hub at ${url}; log in here with "meshwork login ${url}"`,
            exitCodes.refused,
          );
        return login;
      }
      return undefined;
    },
    save: (login) => writePrivateFile(fileOf(login.resource), `${JSON.stringify(login, undefined, 2)}\n`),
    async remove(url) {
      for (const file of files(url)) await rm(file, { force: true });
    },
    async exclusively(resource, work) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return withFileLock(`${fileOf(resource)}.lock`, work);
    },
  };
}

/** As {@link hubNames} writes it. */
function nameOf(resource: string): string {
  return hubNames(resource)[0] ?? resource;
}

function parse(text: string, file: string): StoredLogin {
  try {
    return storedLoginSchema.parse(JSON.parse(text));
  } catch {
    // What the parser says could hold a part of a token.
    throw new CliError('LOGIN_BROKEN', `${file} holds no login that can be read; log out and in again`, exitCodes.refused);
  }
}
