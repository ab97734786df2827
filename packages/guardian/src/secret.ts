import { sha256 } from '@noble/hashes/sha2.js';
import { encodeBase64url } from './base64url.ts';

/** A secret as it is shown once, and the digest that is kept in its stead. */
export interface MintedSecret {
  readonly secret: string;
  readonly digest: string;
}

/** `prefix` and 32 random bytes (256 bits) in base64url. */
export function mintSecret(prefix: string): MintedSecret {
  const secret = prefix + encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
  return { secret, digest: digestOf(secret) };
}

const encoder = new TextEncoder();

/**
 * SHA-256 in hexadecimal. Enough for secrets with 256 bits of chance: there is nothing to guess. Not `crypto.subtle`: it answers through
 * a thread, which takes fifty times as long as the hash of so few bytes.
 */
export function digestOf(secret: string): string {
  return platformHash === undefined ? hex(sha256(encoder.encode(secret))) : platformHash('sha256', secret, 'hex');
}

/** The platform's own hash where it has a synchronous one (Node, Deno, Bun): four times as fast. */
const platformHash = (
  globalThis as { process?: { getBuiltinModule?(name: string): { hash?(algorithm: string, data: string, encoding: 'hex'): string } | undefined } }
).process?.getBuiltinModule?.('node:crypto')?.hash;

/** Compares in a time that does not depend on where two strings of one length differ. */
export function equalDigests(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at);
  return difference === 0;
}

/** `bytes` random bytes in hexadecimal. */
export function randomHex(bytes: number): string {
  return hex(crypto.getRandomValues(new Uint8Array(bytes)));
}

const octets = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));

/** Bytes in hexadecimal. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += octets[byte];
  return text;
}
