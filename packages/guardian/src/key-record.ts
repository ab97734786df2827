import type { Effect } from '@meshwork/core';

/** Whose key it is. */
export interface KeyHolder {
  readonly kind: 'agent' | 'admin';
  /** The agent's name, or `admin`. */
  readonly id: string;
}

/** What a key is limited to, and what else is known of it. Absent: no limit. */
export interface KeyTerms {
  /** What it is for, for people to read. */
  readonly name?: string;
  /** The effects of the tools it may be used for; reading resources and prompts needs `read`. None implies another. */
  readonly scopes?: readonly Effect[];
  /** Networks it may be used from, in CIDR notation. */
  readonly networks?: readonly string[];
  /** The party answerable for whoever uses it, and the organisation both belong to. */
  readonly owner?: string;
  readonly organisation?: string;
}

/** A key as its hub keeps it. Records of earlier versions have no more than the holder, the digest and `issuedAt`. */
export interface KeyRecord extends KeyHolder, KeyTerms {
  readonly digest: string;
  /** Which pepper the digest was made with, not the pepper; absent: with none. */
  readonly pepperId?: string;
  /** ISO 8601, as is `expiresAt`. */
  readonly issuedAt: string;
  readonly expiresAt?: string;
  /** The key it took the place of, and the one that took its place. */
  readonly replaces?: string;
  readonly replacedBy?: string;
}

export type KeyState = 'active' | 'expired' | 'other-pepper';

/** A key as it is shown: never its secret, nor the digest. */
export interface ApiKey extends KeyTerms {
  /** The part of the key between `mk_` and the secret. */
  readonly id: string;
  readonly kind: KeyHolder['kind'];
  /** The agent's name, or `admin`. */
  readonly holder: string;
  /** `other-pepper`: made with a pepper this hub does not have, so that it opens nothing here. */
  readonly state: KeyState;
  /** ISO 8601, as are the other times. */
  readonly createdAt: string;
  readonly expiresAt?: string;
  /** To the minute; uses of the last minute on another hub may be missing. */
  readonly lastUsedAt?: string;
  readonly replaces?: string;
  readonly replacedBy?: string;
}

/** Where the key with this id is kept. */
export const KEY_PREFIX = 'guardian/key/';

/** Pure: whether a record is past its time. */
export function hasExpired({ expiresAt }: Pick<KeyRecord, 'expiresAt'>, now: number): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= now;
}

/** A dead key is shown for a day more. */
const RETENTION_MS = 86_400_000;

/** How long the store keeps a record: for ever, or a day beyond its expiry. */
export function keepingTime({ expiresAt }: Pick<KeyRecord, 'expiresAt'>, now: number): { readonly ttlMs?: number } {
  return expiresAt === undefined ? {} : { ttlMs: Math.max(1, Date.parse(expiresAt) - now + RETENTION_MS) };
}
