/** A secret as it is shown once, and the digest that is kept in its stead. */
export interface MintedSecret {
  readonly secret: string;
  readonly digest: string;
}

/** `prefix` and 32 random bytes (256 bits) in base64url. */
export async function mintSecret(prefix: string): Promise<MintedSecret> {
  const secret = prefix + base64url(crypto.getRandomValues(new Uint8Array(32)));
  return { secret, digest: await digestOf(secret) };
}

const encoder = new TextEncoder();

/** SHA-256 in hexadecimal. Enough for secrets with 256 bits of chance: there is nothing to guess. */
export async function digestOf(secret: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(secret))));
}

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

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
