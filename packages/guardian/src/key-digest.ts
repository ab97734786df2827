import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { digestOf, hex } from './secret.ts';

/** How a key is turned into what is kept of it. */
export interface KeyDigests {
  /** Names the pepper, without telling it; `undefined` when there is none. */
  readonly pepperId: string | undefined;
  /** What is kept of a new key. */
  make(key: string): { readonly digest: string; readonly pepperId?: string };
  /** The digests a record of this key may have here, by the record's `pepperId`; `plain` is the key's SHA-256. Always the same work. */
  candidates(key: string, plain: string): ReadonlyMap<string | undefined, string>;
}

const SHORTEST_PEPPER = 32;
const encoder = new TextEncoder();

/**
 * HMAC-SHA-256 with the pepper (RFC 2104), or SHA-256 without one. Whoever has only the store can then check no guess, and
 * what was kept with another pepper opens nothing. Records made without a pepper go on opening, so that a hub can be given one later.
 *
 * @throws {TypeError} when the pepper is shorter than 32 bytes.
 */
export function createKeyDigests(pepper?: Uint8Array): KeyDigests {
  if (pepper === undefined)
    return { pepperId: undefined, make: (key) => ({ digest: digestOf(key) }), candidates: (_key, plain) => new Map([[undefined, plain]]) };
  if (pepper.length < SHORTEST_PEPPER) throw new TypeError(`the pepper has ${pepper.length} bytes; it needs at least ${SHORTEST_PEPPER}`);
  const secret = Uint8Array.from(pepper);
  const mac = (text: string) => hex(hmac(sha256, secret, encoder.encode(text)));
  const pepperId = mac('meshwork pepper id').slice(0, 8);
  return {
    pepperId,
    make: (key) => ({ digest: mac(key), pepperId }),
    candidates: (key, plain) =>
      new Map<string | undefined, string>([
        [undefined, plain],
        [pepperId, mac(key)],
      ]),
  };
}
