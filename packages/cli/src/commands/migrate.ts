import { usageError } from '../cli-error.ts';
import { durationOption } from '../duration.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { type MigrationProgress, migrateStore } from '../migrate/migrate-store.ts';
import { readEncryptionKeys } from '../store/encryption.ts';
import { type OpenedStore, openStore } from '../store/open-store.ts';
import { parseStoreUrl } from '../store/store-url.ts';

export interface MigrateFlags {
  readonly from: string;
  readonly to: string;
  readonly decryptWith?: string;
  readonly encryptWith?: string;
  readonly storeWait?: string;
  readonly json?: boolean;
}

/** Milliseconds between two words about how far it is. */
const TELL_EVERY_MS = 1_000;

/** Copies a store into another. What it says of itself meanwhile is on standard error. */
export async function migrate(flags: MigrateFlags, io: Io): Promise<ExitCode> {
  const from = parseStoreUrl(flags.from, io.cwd);
  const to = parseStoreUrl(flags.to, io.cwd);
  if (from.scheme === to.scheme && from.address === to.address) throw usageError('--from and --to are one store; choose another target');
  const waitMs = flags.storeWait === undefined ? 30_000 : durationOption('--store-wait', flags.storeWait);
  const open = async (url: typeof from, keysAt: string | undefined): Promise<OpenedStore> => {
    const keys = keysAt === undefined ? undefined : await readEncryptionKeys(keysAt, io.env, io.cwd);
    const onWait = ({ why }: { readonly why: string }) => io.err(`meshwork: waiting for ${url.shown}: ${why}\n`);
    return openStore(url, { keys, waitMs, onWait, mayBeUnfinished: url === to });
  };
  const source = await open(from, flags.decryptWith);
  try {
    const target = await open(to, flags.encryptWith);
    try {
      const began = performance.now();
      const result = await migrateStore({ from: source.store, to: target.store, name: from.shown, onProgress: teller(io) });
      const seconds = Math.round((performance.now() - began) / 100) / 10;
      const report = { ok: true, from: from.shown, to: to.shown, ...result, seconds };
      const { keys, streams, records, digest, wasDone } = result;
      io.out(
        flags.json === true
          ? `${JSON.stringify(report)}\n`
          : `${from.shown} ${wasDone ? 'was copied earlier to' : 'is copied to'} ${to.shown}: ${keys} keys, ${records} records in ${streams} streams, verified (${digest}).\n`,
      );
      return exitCodes.ok;
    } finally {
      await target.store.close();
    }
  } finally {
    await source.store.close();
  }
}

function teller(io: Io): (progress: MigrationProgress) => void {
  let toldAt = performance.now();
  return ({ phase, keys, streams, records }) => {
    const now = performance.now();
    if (now - toldAt < TELL_EVERY_MS) return;
    toldAt = now;
    io.err(phase === 'verify' ? 'meshwork: comparing\n' : `meshwork: ${keys} keys looked at, ${records} records of ${streams} streams copied\n`);
  };
}
