/** The two words of a key that nobody else knows. */
export type HashKey = Readonly<Int32Array>;

export function createHashKey(): HashKey {
  return crypto.getRandomValues(new Int32Array(2));
}

/** HalfSipHash-1-3 of a text's UTF-16 code units, as 32 bits (Aumasson, Bernstein 2012): whoever does not know the key cannot find texts of one hash. */
export function halfSipHash(text: string, key: HashKey): number {
  let v0 = key[0] as number;
  let v1 = key[1] as number;
  let v2 = 0x6c796765 ^ v0;
  let v3 = 0x74656462 ^ v1;
  const blocks = (text.length >>> 1) + 1;
  for (let block = 0; block < blocks + 3; block++) {
    if (block === blocks) v2 ^= 0xff;
    const word = block < blocks ? wordOf(text, block * 2) : 0;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}

/** Two code units; in the last word what is left and, in its highest byte, how many bytes there were. */
function wordOf(text: string, at: number): number {
  const { length } = text;
  if (at + 1 < length) return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
  return (at < length ? text.charCodeAt(at) : 0) | (length << 25);
}
