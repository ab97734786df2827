import { type Clock, ConflictError, type JsonObject, type KeyValueStore } from '@meshwork/core';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

/** The key pairs this hub, and others on its store, sign session tokens with. The store holds the private keys: it is as secret as they are. */
export interface SessionKeys {
  /** The pair that signs now; the first use of a store makes one. */
  signer(): Promise<{ readonly kid: string; readonly key: CryptoKey }>;
  /** The public key of that name, or `undefined`. */
  verifier(kid: string): Promise<CryptoKey | undefined>;
  /** Makes a pair that signs from now on; what earlier ones signed holds for as long as a token can. Gives the new key's name. */
  rotate(): Promise<{ readonly kid: string }>;
}

interface KeyPairRecord {
  readonly kid: string;
  readonly jwk: JWK;
  /** From when on it verifies no more, in milliseconds since the Unix epoch. Absent: it is the one that signs. */
  readonly retiresAt?: number;
}

interface LoadedPair {
  readonly kid: string;
  readonly signs: CryptoKey;
  readonly verifies: CryptoKey;
  readonly retiresAt: number;
}

const KEY = 'guardian/session-keys';

export function createSessionKeys(options: { readonly store: KeyValueStore; readonly clock: Clock; readonly longestLifeMs: number }): SessionKeys {
  const { store, clock, longestLifeMs } = options;
  let loaded: ReadonlyMap<string, LoadedPair> = new Map();
  let loading: Promise<ReadonlyMap<string, LoadedPair>> | undefined;

  const read = async () => {
    const entry = await store.get(KEY);
    return { pairs: (entry?.value as unknown as { keys: readonly KeyPairRecord[] } | undefined)?.keys ?? [], revision: entry?.revision ?? 0 };
  };
  /** Replaces the pairs; `false` when another hub did so meanwhile. */
  const write = async (pairs: readonly KeyPairRecord[], revision: number): Promise<boolean> => {
    try {
      await store.put(KEY, { keys: pairs } as unknown as JsonObject, { expected: revision });
      return true;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      return false;
    }
  };
  const load = async () => {
    const { pairs } = await read();
    const entries = await Promise.all(pairs.map(async (pair) => [pair.kid, loaded.get(pair.kid) ?? (await loadPair(pair))] as const));
    loaded = new Map(entries.map(([kid, pair]) => [kid, { ...pair, retiresAt: retirementOf(pairs, kid) }]));
    return loaded;
  };
  // Whoever needs it at once shares one reading: a flood of names nobody knows costs one at a time.
  const loadOnce = () => {
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  };
  const current = (pairs: ReadonlyMap<string, LoadedPair>) => [...pairs.values()].find(({ retiresAt }) => retiresAt === Number.POSITIVE_INFINITY);

  const rotate = async (onlyIfNone: boolean): Promise<string> => {
    const made = await makePair();
    for (;;) {
      const { pairs, revision } = await read();
      const [signing] = pairs.filter(({ retiresAt }) => retiresAt === undefined);
      if (onlyIfNone && signing !== undefined) return signing.kid;
      const now = clock.now();
      const retired = pairs.map((pair) => ({ retiresAt: now + longestLifeMs, ...pair })).filter(({ retiresAt }) => retiresAt > now);
      if (await write([made, ...retired], revision)) return made.kid;
    }
  };

  return {
    async signer() {
      // Read each time: another hub may have made a new pair, and signing is rare.
      let pair = current(await load());
      if (pair === undefined) {
        await rotate(true);
        pair = current(await load());
      }
      if (pair === undefined) throw new TypeError('the session keys were deleted from the store while they were made');
      return { kid: pair.kid, key: pair.signs };
    },
    async verifier(kid) {
      const pair = loaded.get(kid) ?? (await loadOnce()).get(kid);
      return pair !== undefined && clock.now() < pair.retiresAt ? pair.verifies : undefined;
    },
    rotate: async () => ({ kid: await rotate(false) }),
  };
}

function retirementOf(pairs: readonly KeyPairRecord[], kid: string): number {
  return pairs.find((pair) => pair.kid === kid)?.retiresAt ?? Number.POSITIVE_INFINITY;
}

async function makePair(): Promise<KeyPairRecord> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(privateKey);
  return { kid: await calculateJwkThumbprint(jwk), jwk };
}

async function loadPair({ kid, jwk: { d, ...publicJwk } }: KeyPairRecord): Promise<LoadedPair> {
  const [signs, verifies] = await Promise.all([importJWK({ ...publicJwk, ...(d !== undefined && { d }) }, 'EdDSA'), importJWK(publicJwk, 'EdDSA')]);
  return { kid, signs: signs as CryptoKey, verifies: verifies as CryptoKey, retiresAt: Number.POSITIVE_INFINITY };
}
