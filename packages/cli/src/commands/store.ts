import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { encryptionKeysInUse, type KeyUse, rewrapKeys } from '@meshwork/core/encrypted';
import { CliError, usageError } from '../cli-error.ts';
import { loadConfig } from '../config/load-config.ts';
import { dataFolder } from '../data-folder.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { settingsOf } from '../settings.ts';
import { readEncryptionKeys } from '../store/encryption.ts';
import { openStore } from '../store/open-store.ts';
import { type StoreUrl, sqliteUrl } from '../store/store-url.ts';

export interface RewrapFlags {
  readonly store?: string;
  readonly data?: string;
  readonly config?: string;
  readonly encryptWith?: string;
  readonly storeWait?: string;
  readonly json?: boolean;
}

/** Milliseconds between two words about how far it is. */
const TELL_EVERY_MS = 1_000;

/** Brings the values of a store's keys to the first encryption key, and says which others are still needed. */
export async function rewrapStore(flags: RewrapFlags, io: Io): Promise<ExitCode> {
  const config = flags.config === undefined ? {} : await loadConfig(resolve(io.cwd, flags.config), io.env);
  const settings = settingsOf({ flags, env: io.env, config, cwd: io.cwd });
  const url = settings.store ?? sqliteUrl(dataFolder(settings.data).database);
  if (settings.encryptWith === undefined) throw usageError('say where the keys of the store are: --encrypt-with env:NAME or file:PATH, the new key first');
  const keys = await readEncryptionKeys(settings.encryptWith, io.env, io.cwd);
  await refuseMissing(url);
  const { store, underneath, shown } = await openStore(url, {
    keys,
    waitMs: settings.storeWaitMs,
    onWait: ({ why }) => io.err(`meshwork: waiting for ${url.shown}: ${why}\n`),
  });
  try {
    const { rewrapped, current } = await rewrapKeys(underneath, { keys, onProgress: teller(io, 'keys looked at') });
    const uses = await encryptionKeysInUse(underneath, { onProgress: teller(io, 'values and records checked') });
    const { id } = await keys.current();
    const needed = [...uses].filter(([each]) => each !== id).map(([key, use]) => ({ key, ...use }));
    const report = { ok: true, store: shown, key: id, rewrapped, current, stillNeeded: needed };
    io.out(
      flags.json === true ? `${JSON.stringify(report)}\n` : `${shown}: ${rewrapped} values brought to the key ${id}, ${current} had it.\n${adviceOn(needed)}`,
    );
    return exitCodes.ok;
  } finally {
    await store.close();
  }
}

function adviceOn(needed: readonly ({ readonly key: string } & KeyUse)[]): string {
  if (needed.length === 0) return 'No other key is needed any more: take the older ones out.\n';
  const lines = needed.map(({ key, values, records, streams }) => {
    const written = values === 0 ? '' : `${values} values that were written meanwhile, and `;
    return `The key ${key} is still needed, for ${written}${records} records in ${streams} streams.\n`;
  });
  return `${lines.join('')}Records are never changed: keep these keys until they are trimmed, or copy the store with "meshwork migrate".\n`;
}

/** A file that is not there would be made. */
async function refuseMissing({ scheme, address, shown }: StoreUrl): Promise<void> {
  if (scheme !== 'sqlite') return;
  try {
    await access(address);
  } catch (cause) {
    throw new CliError('NOT_FOUND', `there is no store ${shown}; name it with --store or --data`, exitCodes.refused, { cause });
  }
}

function teller(io: Io, what: string): (count: number) => void {
  let toldAt = performance.now();
  return (count) => {
    const now = performance.now();
    if (now - toldAt < TELL_EVERY_MS) return;
    toldAt = now;
    io.err(`meshwork: ${count} ${what}\n`);
  };
}
