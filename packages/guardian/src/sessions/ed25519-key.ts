import { InvalidInputError } from '@meshwork/core';
import { decodeBase64url } from '../base64url.ts';

/**
 * The 32 bytes of an Ed25519 public key, in base64url, from a JWK (RFC 8037) or from those bytes in base64url.
 *
 * @throws {InvalidInputError} when it is no such key, when it is a private one, or when it is a point that would let anybody sign.
 */
export function readPublicKey(key: unknown): string {
  const x = typeof key === 'string' ? key : xOf(key);
  const bytes = decodeBase64url(x);
  if (bytes?.length !== 32) throw new InvalidInputError('the public key must be 32 bytes in base64url without padding, or an Ed25519 JWK that holds them as x');
  if (!isSoundPoint(bytes)) throw new InvalidInputError('the public key is not a point that can be used (RFC 8032 section 5.1.3); make a new key pair');
  return x;
}

/** True when `signature`, in base64url, is that of the key `x` over `bytes` (RFC 8032 section 5.1.7). */
export async function isSignedBy(x: string, signature: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const signatureBytes = decodeBase64url(signature);
  const keyBytes = decodeBase64url(x);
  if (signatureBytes?.length !== 64 || keyBytes === undefined) return false;
  const key = await crypto.subtle.importKey('raw', keyBytes, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', key, signatureBytes, bytes);
}

const MEMBERS = ['kty', 'crv', 'x', 'kid', 'alg', 'use', 'key_ops', 'ext'];

function xOf(key: unknown): string {
  if (typeof key !== 'object' || key === null) throw new InvalidInputError('the public key must be a JWK or base64url text');
  const { kty, crv, x, d } = key as Readonly<Record<string, unknown>>;
  if (d !== undefined) throw new InvalidInputError('that is a private key: it is known to others now; make a new pair, and send only the public key');
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string')
    throw new InvalidInputError('the public key must be an Ed25519 JWK: {"kty":"OKP","crv":"Ed25519","x":"…"}');
  for (const member of Object.keys(key))
    if (!MEMBERS.includes(member)) throw new InvalidInputError(`the public key has the member ${JSON.stringify(member)}, which an Ed25519 key has not`);
  return x;
}

const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
/**
 * True for the canonical encoding of a point on the curve that is not of small order. Under a key of small order one signature fits many
 * messages, or any ("Taming the many EdDSAs", 2020); not every platform refuses to import or to use one.
 */
function isSoundPoint(bytes: Uint8Array): boolean {
  let y = 0n;
  for (let at = 31; at >= 0; at--) y = (y << 8n) | BigInt(at === 31 ? (bytes[at] ?? 0) & 0x7f : (bytes[at] ?? 0));
  if (y >= P) return false;
  // x² = (y² - 1) / (dy² + 1) (RFC 8032 section 5.1.3); it has a root when its (p-1)/2-th power is 1 (Euler).
  const y2 = (y * y) % P;
  const x2 = ((y2 - 1n + P) * power(D * y2 + 1n, P - 2n)) % P;
  if (x2 === 0n || power(x2, (P - 1n) / 2n) !== 1n) return false;
  return !isOfSmallOrder(x2, y2);
}

/** Doubling three times ends at the neutral element: y = 1. Each step needs the squares only. */
function isOfSmallOrder(x2: bigint, y2: bigint): boolean {
  let [a, b] = [x2, y2];
  for (let step = 0; step < 3; step++) {
    // x' = 2xy / (1 + dx²y²), y' = (x² + y²) / (1 - dx²y²), for a = -1.
    const product = (D * a * b) % P;
    const nextY = ((a + b) * power(1n - product + P, P - 2n)) % P;
    const nextX2 = (4n * a * b * power((1n + product) ** 2n, P - 2n)) % P;
    if (nextX2 === 0n) return true;
    [a, b] = [nextX2, (nextY * nextY) % P];
  }
  return false;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % P;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
