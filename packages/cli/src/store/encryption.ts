import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Store, StoreFormatError } from '@meshwork/core';
import { createKeyRing, type EncryptionKeys, encryptStore } from '@meshwork/core/encrypted';
import { CliError, usageError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';

/** In every store that is encrypted, and in no other: so that none is opened the wrong way. */
export const ENCRYPTION_MARK = 'core/encrypted';

const HOW = 'a key is a line ID:BASE64 of 32 bytes, as of "openssl rand -base64 32"; the first encrypts, the others read what is older';

/**
 * The keys `env:NAME` or `file:PATH` holds, in lines or separated by commas.
 *
 * @throws {CliError} that repeats nothing of them.
 */
export async function readEncryptionKeys(said: string, env: Readonly<Record<string, string | undefined>>, cwd: string): Promise<EncryptionKeys> {
  const [, kind, where = ''] = /^(env|file):(.+)$/s.exec(said) ?? [];
  if (kind === undefined) throw usageError('keys to encrypt with are in a variable, env:NAME, or in a file, file:PATH');
  const text = kind === 'env' ? env[where] : await textOf(resolve(cwd, where));
  const lines = (text ?? '').split(/[\n,]/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => ({ id: line.slice(0, line.indexOf(':')), secret: secretIn(line) }));
  if (keys.length === 0) throw usageError(`there is no key in ${said}; ${HOW}`);
  try {
    return createKeyRing(keys);
  } catch (error) {
    throw usageError(`${said}: ${(error as Error).message}; ${HOW}`);
  }
}

/**
 * The store, with its values encrypted where keys are given.
 *
 * @throws {StoreFormatError} when it is encrypted and no keys are given, or is not and they are, {@link EncryptionKeyError} {@link DecryptionError}
 * when they are not its keys.
 */
export async function withEncryption(
  store: Store,
  keys: EncryptionKeys | undefined,
  shown: string,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): Promise<Store> {
  const isMarked = (await store.get(ENCRYPTION_MARK)) !== undefined;
  if (keys === undefined) {
    if (isMarked) throw new StoreFormatError(`the store ${shown} is encrypted; pass its keys with --encrypt-with`);
    return store;
  }
  const encrypted = encryptStore(store, { keys });
  if (!isMarked) {
    if (!(await isEmpty(store))) throw new StoreFormatError(`the store ${shown} is not encrypted; copy it into a new one with "meshwork migrate"`);
    // Whoever else opens the empty store at the same time marks it too.
    if (!readOnly) await encrypted.put(ENCRYPTION_MARK, true);
  }
  await encrypted.get(ENCRYPTION_MARK);
  return encrypted;
}

/** True when a store holds no key, but for those that are left out, and never had a record. */
export async function isEmpty(store: Store, isLeftOut: (key: string) => boolean = () => false): Promise<boolean> {
  for await (const { key } of store.list('')) if (!isLeftOut(key)) return false;
  for await (const _stream of store.streams()) return false;
  return true;
}

function secretIn(line: string): Uint8Array {
  return Buffer.from(line.slice(line.indexOf(':') + 1).trim(), 'base64');
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CliError('CONFIG', `the file of keys ${file} cannot be read`, exitCodes.usage, { cause });
  }
}
