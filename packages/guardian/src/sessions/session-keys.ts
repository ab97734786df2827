import { type Clock, ConflictError, type JsonObject, type KeyValueStore } from '@meshwork/core';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { KeySeal } from './key-seal.ts';

/**
 * The key pairs this hub, and others on its store, sign session tokens with. The store holds the private key of the pair that signs: sealed, where the
 * hub has a pepper; else it is as secret as that key. Of pairs that only verify any more it holds the public keys.
 */
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
  /** With its private part only where it is not sealed. */
  readonly jwk: JWK;
  readonly sealed?: string;
  /** From when on it verifies no more, in milliseconds since the Unix epoch. Absent: it is the one that signs. */
  readonly retiresAt?: number;
}

interface LoadedPair {
  readonly kid: string;
  /** Absent: it only verifies here. */
  readonly signs: CryptoKey | undefined;
  readonly verifies: CryptoKey;
  readonly retiresAt: number;
}

const KEY = 'guardian/session-keys';

export interface SessionKeysOptions {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  /** Milliseconds the longest token lasts. */
  readonly longestLifeMs: number;
  /** Keeps private keys from whoever reads the store. Default: none does. */
  readonly seal?: KeySeal | undefined;
}

export function createSessionKeys({ store, clock, longestLifeMs, seal }: SessionKeysOptions): SessionKeys {
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
  /** A hub with a pepper signs with no key that others can read. */
  const secretOf = async ({ kid, jwk: { d }, sealed }: KeyPairRecord): Promise<string | undefined> => {
    if (seal === undefined) return d;
    return sealed === undefined ? undefined : seal.open(kid, sealed);
  };
  const makePair = async (): Promise<KeyPairRecord> => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const { d = '', ...publicJwk } = await exportJWK(privateKey);
    const kid = await calculateJwkThumbprint(publicJwk);
    return seal === undefined ? { kid, jwk: { ...publicJwk, d } } : { kid, jwk: publicJwk, sealed: await seal.seal(kid, d) };
  };
  const load = async () => {
    const { pairs } = await read();
    const entries = await Promise.all(pairs.map(async (pair) => [pair.kid, loaded.get(pair.kid) ?? (await loadPair(pair, await secretOf(pair)))] as const));
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
  const current = (pairs: ReadonlyMap<string, LoadedPair>) => {
    for (const { kid, signs, retiresAt } of pairs.values()) if (signs !== undefined && retiresAt === Number.POSITIVE_INFINITY) return { kid, key: signs };
    return undefined;
  };
  const signing = async (pairs: readonly KeyPairRecord[]) => {
    for (const pair of pairs) if (pair.retiresAt === undefined && (await secretOf(pair)) !== undefined) return pair;
    return undefined;
  };

  const rotate = async (onlyIfNone: boolean): Promise<string> => {
    const made = await makePair();
    for (;;) {
      const { pairs, revision } = await read();
      const present = onlyIfNone ? await signing(pairs) : undefined;
      if (present !== undefined) return present.kid;
      const now = clock.now();
      // A hub without a pepper that begins beside hubs that have one leaves them theirs.
      const leavesOthers = onlyIfNone && seal === undefined;
      const others = pairs.map((pair) => (leavesOthers && pair.sealed !== undefined ? pair : retire(pair, now + longestLifeMs)));
      const kept = others.filter(({ retiresAt = Number.POSITIVE_INFINITY }) => retiresAt > now);
      if (await write([made, ...kept], revision)) return made.kid;
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
      return pair;
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

/** It only verifies any more, so nothing secret of it is kept. */
function retire({ kid, jwk: { d: _secret, ...jwk }, retiresAt }: KeyPairRecord, at: number): KeyPairRecord {
  return { kid, jwk, retiresAt: retiresAt ?? at };
}

async function loadPair({ kid, jwk: { d: _secret, ...publicJwk } }: KeyPairRecord, d: string | undefined): Promise<LoadedPair> {
  const signs = d === undefined ? undefined : ((await importJWK({ ...publicJwk, d }, 'EdDSA')) as CryptoKey);
  return { kid, signs, verifies: (await importJWK(publicJwk, 'EdDSA')) as CryptoKey, retiresAt: Number.POSITIVE_INFINITY };
}
