/** Bytes in base64url without padding (RFC 7515 section 2). */
export function encodeBase64url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * The bytes of a text in base64url, or `undefined` when it is not the one text that those bytes are written as: padding, white space, `+`, `/`
 * and last characters with bits to spare are refused, so that nothing kept by its text can be shown again under another.
 */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!ALPHABET.test(text) || text.length % 4 === 1) return undefined;
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return encodeBase64url(bytes) === text ? bytes : undefined;
}

const ALPHABET = /^[A-Za-z0-9_-]*$/;
