const PLAIN = /^[A-Za-z0-9_-]$/;
/** One token for each byte: itself where a subject may hold it, else two hexadecimal digits. */
const TOKENS: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return PLAIN.test(character) ? character : byte.toString(16).padStart(2, '0');
});
const BYTES: ReadonlyMap<string, number> = new Map(TOKENS.map((token, byte) => [token, byte]));
/** Ends a key, so that a filter with a wildcard finds the key that is the prefix itself, too. */
const END = '$';

/** The subject of a key. A key of 1,024 bytes takes 3,072 characters at most: below the 4,096 of the server's control line. */
export function subjectOf(root: string, key: string): string {
  return `${root}.${tokensOf(key)}${END}`;
}

/** The subjects of all keys that start with the prefix. */
export function filterOf(root: string, prefix: string): string {
  return `${root}.${tokensOf(prefix)}>`;
}

/** The key of a subject under the root. */
export function keyOf(root: string, subject: string): string {
  const tokens = subject.slice(root.length + 1).split('.');
  return Buffer.from(tokens.slice(0, -1).map((token) => BYTES.get(token) ?? 0)).toString();
}

/** A journal's stream as one token. */
export function tokenOf(stream: string): string {
  return Buffer.from(stream).toString('base64url');
}

/** The journal's stream of a subject under the root. */
export function nameOf(root: string, subject: string): string {
  return Buffer.from(subject.slice(root.length + 1), 'base64url').toString();
}

function tokensOf(text: string): string {
  let tokens = '';
  for (const byte of Buffer.from(text)) tokens += `${TOKENS[byte]}.`;
  return tokens;
}
