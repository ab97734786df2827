/** Stand before what they are the escape of, and after everything else. */
const ESCAPE = '\u{10fffe}';
const HIGH = '\u{10ffff}';

/**
 * A key as a `KeyValueStore` keeps it: these are in the order of their UTF-8 bytes, boards in the order of code units, and the two differ where surrogate pairs
 * meet U+E000 to U+FFFF. A prefix of a key becomes a prefix.
 */
export function encodeKey(key: string): string {
  return key.replace(/[\ue000-\uffff\u{10fffe}\u{10ffff}]/gu, (character) => {
    if (character === ESCAPE) return `${ESCAPE}0`;
    return character === HIGH ? `${ESCAPE}1` : `${HIGH}${character}`;
  });
}

export function decodeKey(encoded: string): string {
  return encoded.replace(/\u{10fffe}([01])|\u{10ffff}/gu, (_found, which?: string) => {
    if (which === undefined) return '';
    return which === '0' ? ESCAPE : HIGH;
  });
}
