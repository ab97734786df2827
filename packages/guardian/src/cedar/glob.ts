/** A part of a Cedar pattern: any characters, or these. */
export type PatternPart = 'Wildcard' | { readonly Literal: string };

/**
 * Makes a test for Cedar's `like`. It takes time in proportion to the text, whatever the pattern: each stretch between two wildcards is
 * looked for once, leftmost, without ever going back (Knuth, Morris and Pratt).
 */
export function compileGlob(pattern: readonly PatternPart[]): (text: string) => boolean {
  const stretches = [''];
  for (const part of pattern) {
    if (part === 'Wildcard') stretches.push('');
    else stretches.push((stretches.pop() ?? '') + part.Literal);
  }
  const first = stretches[0] ?? '';
  if (stretches.length === 1) return (text) => text === first;
  const last = stretches.at(-1) ?? '';
  const finders = stretches
    .slice(1, -1)
    .filter((stretch) => stretch !== '')
    .map(compileFinder);
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let from = first.length;
    for (const find of finders) {
      from = find(text, from, end);
      if (from === -1) return false;
    }
    return true;
  };
}

/** Finds `wanted` in `text` between two places, and says where it ends; -1 when it is not there. */
function compileFinder(wanted: string): (text: string, from: number, end: number) => number {
  /** At each length matched so far: how much of it still counts when the next character does not fit. */
  const shorter = new Uint32Array(wanted.length + 1);
  for (let at = 1, matched = 0; at < wanted.length; at++) {
    while (matched > 0 && wanted[at] !== wanted[matched]) matched = shorter[matched] ?? 0;
    if (wanted[at] === wanted[matched]) matched += 1;
    shorter[at + 1] = matched;
  }
  return (text, from, end) => {
    let matched = 0;
    for (let at = from; at < end; at++) {
      while (matched > 0 && text[at] !== wanted[matched]) matched = shorter[matched] ?? 0;
      if (text[at] === wanted[matched]) matched += 1;
      if (matched === wanted.length) return at + 1;
    }
    return -1;
  };
}
