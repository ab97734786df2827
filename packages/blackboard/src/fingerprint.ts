/** 64 bits in hexadecimal that equal texts have in common (FNV-1a, twice). Finds differences, not forgers. */
export function fingerprint(text: string): string {
  return hash(text, 0x811c9dc5) + hash(text, 0x41c6ce57);
}

function hash(text: string, seed: number): string {
  let state = seed;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  return ((state ^ (state >>> 13)) >>> 0).toString(16).padStart(8, '0');
}
