/** 32 bits of a text: FNV-1a with the finish of MurmurHash 3. Finds differences, not forgers. */
export function hashText(text: string, seed: number): number {
  let state = seed;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

/** Eight digits. */
export function hexOf(word: number): string {
  return word.toString(16).padStart(8, '0');
}
