import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MeshworkError, type Store, UnavailableError } from '@meshwork/core';
import type { EncryptionKeys } from '@meshwork/core/encrypted';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { withEncryption } from './encryption.ts';
import { refuseUnfinished } from './migration-mark.ts';
import { openers } from './openers.ts';
import { SECRET_PARAMETER, type StoreUrl } from './store-url.ts';

/** A store that is open. */
export interface OpenedStore {
  readonly store: Store;
  /** True when hubs in other processes may have it open too. */
  readonly isShared: boolean;
  /** Its URL for people, without secrets. */
  readonly shown: string;
}

export interface OpenStoreOptions {
  /** Opens a store that a migration has filled in part, too. Default false. */
  readonly mayBeUnfinished?: boolean;
  /** Looks at a store that is there: makes none, and writes nothing. Of stores that hubs share. Default false. */
  readonly readOnly?: boolean;
  /** Encrypts values where they are kept. */
  readonly keys?: EncryptionKeys | undefined;
  /** How long a server that is away is waited for, in milliseconds. Default 30,000. */
  readonly waitMs?: number;
  /** Told each time the server was asked in vain. */
  readonly onWait?: (news: { readonly why: string; readonly leftMs: number }) => void;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;
/** PostgreSQL's classes 28 (the login is refused) and 3D (there is no such database): waiting does not help. */
const FINAL_SQLSTATE = /^(28|3D)/;
/** Redis' way to say so. */
const FINAL_REPLY = /^(WRONGPASS|NOAUTH|NOPERM)\b/;

/**
 * Opens the store of a URL, and waits for a server that is away. `underneath` is the same as the driver has it: where it is encrypted, with envelopes for values.
 *
 * @throws {CliError} `STORE_UNAVAILABLE` when it stays away, {@link MeshworkError} of the driver otherwise. Neither says a password.
 */
export async function openStore({ scheme, address, shown }: StoreUrl, options: OpenStoreOptions = {}): Promise<OpenedStore & { readonly underneath: Store }> {
  const { keys, mayBeUnfinished = false, readOnly = false, waitMs = 30_000, onWait = () => {}, signal } = options;
  const opener = openers[scheme];
  if (opener === undefined) throw new TypeError(`there is no opener for ${scheme}`);
  if (scheme === 'sqlite') await mkdir(dirname(address), { recursive: true, mode: 0o700 });
  const until = performance.now() + waitMs;
  for (let pauseMs = SHORTEST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      const store = await inTime(opener.open(address, { readOnly }), until - performance.now(), signal);
      return { store: await prepared(store, { keys, mayBeUnfinished, readOnly, shown }), isShared: opener.isShared, shown, underneath: store };
    } catch (error) {
      const why = withoutSecrets(error, address, shown);
      if (!isAway(error) || !opener.isShared) throw toError(error, why);
      const leftMs = Math.max(0, until - performance.now());
      if (leftMs < pauseMs || signal?.aborted === true)
        throw new CliError('STORE_UNAVAILABLE', `the store ${shown} cannot be opened: ${why}`, exitCodes.unreachable);
      onWait({ why, leftMs });
      await pause(pauseMs, signal);
    }
  }
}

interface PrepareOptions {
  readonly keys: EncryptionKeys | undefined;
  readonly mayBeUnfinished: boolean;
  readonly readOnly: boolean;
  readonly shown: string;
}

async function prepared(store: Store, { keys, mayBeUnfinished, readOnly, shown }: PrepareOptions): Promise<Store> {
  try {
    const readable = await withEncryption(store, keys, shown, { readOnly });
    if (!mayBeUnfinished) await refuseUnfinished(readable, shown);
    return readable;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** True when hubs in other processes may have the store open too. */
export function isSharedStore({ scheme }: StoreUrl): boolean {
  return openers[scheme]?.isShared === true;
}

/** One that opens too late is closed again. */
async function inTime(opening: Promise<Store>, ms: number, signal: AbortSignal | undefined): Promise<Store> {
  const over = new AbortController();
  const timeUp = pause(ms, signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])).then(() => {
    if (!over.signal.aborted) opening.then((store) => store.close()).catch(() => {});
    throw new UnavailableError('it does not answer; check the URL and the server, then start again');
  });
  try {
    return await Promise.race([opening, timeUp]);
  } finally {
    over.abort();
    timeUp.catch(() => {});
  }
}

/** Ends early, as if the time were up, when the signal aborts. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}

function isAway(error: unknown): boolean {
  if (!(error instanceof UnavailableError)) return false;
  const cause = error.cause as { readonly code?: unknown; readonly message?: unknown } | undefined;
  return !FINAL_SQLSTATE.test(String(cause?.code)) && !FINAL_REPLY.test(String(cause?.message));
}

/** The cause is left out: a library may keep the URL in it. */
function toError(error: unknown, message: string): Error {
  if (!MeshworkError.isInstance(error)) return new CliError('STORE_UNAVAILABLE', message, exitCodes.refused);
  return new CliError(error.code, message, error.code === 'UNAVAILABLE' ? exitCodes.unreachable : exitCodes.refused);
}

/** What went wrong, without the URL's secrets wherever a library repeats them. */
function withoutSecrets(error: unknown, address: string, shown: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const secrets = URL.canParse(address) ? secretsIn(new URL(address)) : [];
  return secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message.replaceAll(address, shown));
}

function secretsIn({ password, searchParams }: URL): string[] {
  const said = [password, ...[...searchParams].filter(([name]) => SECRET_PARAMETER.test(name)).map(([, value]) => value)];
  return said.flatMap((secret) => [secret, decoded(secret)]).filter((secret) => secret !== '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
