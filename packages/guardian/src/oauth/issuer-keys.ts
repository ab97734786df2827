import { type Clock, UnavailableError, within } from '@meshwork/core';
import { importJWK } from 'jose';
import { z } from 'zod';
import { discoverJwksUri, type OutboundFetch, readDocument } from './issuer-metadata.ts';
import { fitsAlgorithm, type SigningAlgorithm } from './signing-algorithms.ts';

export interface IssuerKeysOptions {
  readonly issuer: string;
  /** Where the keys are. Default: where the issuer's metadata says. */
  readonly jwksUri?: string | undefined;
  readonly fetch: OutboundFetch;
  readonly clock: Clock;
  /** Milliseconds a caller waits for the issuer at most. */
  readonly timeoutMs: number;
}

/** The public keys of one issuer, fetched when they are needed and kept for when it is away. */
export interface IssuerKeys {
  /**
   * The key with exactly this id for this algorithm, or `undefined` when the issuer has none.
   *
   * @throws {UnavailableError} when the issuer has to be asked and does not answer.
   */
  find(keyId: string, algorithm: SigningAlgorithm): Promise<CryptoKey | undefined>;
}

/** Keys are asked for again after this long, and are good for `STALE_MS` when the issuer does not answer. */
const FRESH_MS = 600_000;
const STALE_MS = 3_600_000;
/** An unknown key id has the keys fetched this often at most: anybody can make one up. */
const UNKNOWN_KEY_PAUSE_MS = 30_000;
/** The pause after a failure, whether there are keys to go on with or none, known ones or not. */
const RETRY_PAUSE_MS = 5_000;
const MOST_KEYS = 100;

export function createIssuerKeys({ issuer, jwksUri, fetch, clock, timeoutMs }: IssuerKeysOptions): IssuerKeys {
  let keys: ReadonlyMap<string, Key> = new Map();
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;
  let failure: unknown;
  /** A clock that was set back says nothing about age: what is from the future counts as old. */
  const since = (time: number) => (clock.now() < time ? Number.POSITIVE_INFINITY : clock.now() - time);

  const load = async () => {
    const signal = AbortSignal.timeout(timeoutMs);
    const documents = { fetch, signal };
    const url = jwksUri ?? (await discoverJwksUri(issuer, documents));
    const document = await readDocument(url, documents);
    const read = keySetSchema.safeParse(document);
    if (!read.success) throw new UnavailableError(`what ${new URL(url).host} gives for keys is no JWK Set (RFC 7517 section 5)`);
    keys = keysIn(read.data.keys);
    fetchedAt = clock.now();
    failure = undefined;
  };
  /** One request at a time, however many callers wait for it; none of them longer than `timeoutMs`, whatever `fetch` does with its signal. */
  const refresh = (): Promise<void> => {
    if (underWay === undefined) {
      triedAt = clock.now();
      underWay = within(timeoutMs, load(), () => new UnavailableError(`${issuer} did not answer within ${timeoutMs} ms`))
        .catch((error) => {
          failure = error;
          // The pause begins when it was given up: while an issuer hangs, half of the callers at least are told at once.
          triedAt = clock.now();
          throw error;
        })
        .finally(() => {
          underWay = undefined;
        });
      underWay.catch(() => {}); // A refresh in the background has nobody who waits for it.
    }
    return underWay;
  };
  const unavailable = () =>
    new UnavailableError(`the keys of ${issuer} cannot be fetched, so that its tokens cannot be checked; try again later`, { cause: failure });
  const refreshNow = async (pauseMs: number): Promise<void> => {
    if (underWay === undefined && since(triedAt) < pauseMs) {
      if (failure === undefined) return;
      throw unavailable();
    }
    await refresh().catch(() => {
      throw unavailable();
    });
  };

  return {
    async find(keyId, algorithm) {
      if (since(fetchedAt) >= STALE_MS) {
        keys = new Map();
        await refreshNow(RETRY_PAUSE_MS);
      } else if (since(fetchedAt) >= FRESH_MS) {
        // Once is waited for, so that no withdrawn key is used for want of callers; an issuer that is away holds nobody up.
        if (failure === undefined) await refresh().catch(() => {});
        else if (since(triedAt) >= RETRY_PAUSE_MS) void refresh();
      }
      // An issuer that did not answer has not said that it has no such key: it is asked again as soon as it may be back.
      if (!keys.has(keyId)) await refreshNow(failure === undefined ? UNKNOWN_KEY_PAUSE_MS : RETRY_PAUSE_MS);
      return keys.get(keyId)?.as(algorithm);
    },
  };
}

const keySetSchema = z.object({ keys: z.array(z.unknown()).max(MOST_KEYS) });
const keySchema = z.looseObject({
  kid: z.string().min(1).max(128),
  kty: z.string(),
  crv: z.string().optional(),
  alg: z.string().optional(),
  use: z.literal('sig').optional(),
  key_ops: z
    .array(z.string())
    .refine((operations) => operations.includes('verify'))
    .optional(),
});
type Jwk = z.infer<typeof keySchema>;

interface Key {
  /** The key for one algorithm, `undefined` when it is not one for it. */
  as(algorithm: SigningAlgorithm): Promise<CryptoKey | undefined>;
}

/** Keys by their ids. What is not a signing key, or has the id of another, is left out: nobody knows which of the two was meant. */
function keysIn(members: readonly unknown[]): ReadonlyMap<string, Key> {
  const found = new Map<string, Key>();
  const twice = new Set<string>();
  for (const member of members) {
    const jwk = keySchema.safeParse(member).data;
    if (jwk === undefined) continue;
    if (found.has(jwk.kid)) twice.add(jwk.kid);
    found.set(jwk.kid, keyOf(jwk));
  }
  for (const keyId of twice) found.delete(keyId);
  return found;
}

function keyOf(jwk: Jwk): Key {
  const imported = new Map<SigningAlgorithm, Promise<CryptoKey | undefined>>();
  return {
    async as(algorithm) {
      if ((jwk.alg !== undefined && jwk.alg !== algorithm) || !fitsAlgorithm(jwk, algorithm)) return undefined;
      let key = imported.get(algorithm);
      if (key === undefined) {
        key = importPublic(jwk, algorithm);
        imported.set(algorithm, key);
      }
      return key;
    },
  };
}

/** Only what is public of a key, in case an issuer published more. */
async function importPublic({ kty, crv, x, y, n, e }: Jwk, algorithm: SigningAlgorithm): Promise<CryptoKey | undefined> {
  try {
    const jwk = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as Parameters<typeof importJWK>[0];
    const key = await importJWK(jwk, algorithm);
    return key instanceof Uint8Array ? undefined : key;
  } catch {
    return undefined;
  }
}
