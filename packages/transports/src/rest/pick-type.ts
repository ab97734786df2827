/**
 * Which of the media types on offer an `Accept` header likes best; of equals, the first. Without a header it is the first; `undefined` when
 * the header takes none of them (RFC 9110, section 12.5.1).
 */
export function pickType(accept: string | null, offered: readonly string[]): string | undefined {
  if (accept === null || accept.trim() === '') return offered[0];
  const ranges = accept.split(',').map(parseRange);
  let best: { readonly type: string; readonly quality: number } | undefined;
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality > (best?.quality ?? 0)) best = { type, quality };
  }
  return best?.type;
}

interface Range {
  readonly range: string;
  readonly quality: number;
}

/** Parameters other than `q` are not looked at; a `q` that is no weight takes the range out. */
function parseRange(text: string): Range {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter));
  if (weight === undefined) return { range, quality: 1 };
  const value = weight.slice(weight.indexOf('=') + 1).trim();
  return { range, quality: /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(value) ? Number(value) : 0 };
}

/** The most specific range decides, whatever a wider one would give. */
function qualityOf(type: string, ranges: readonly Range[]): number {
  for (const pattern of [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']) {
    const matching = ranges.filter(({ range }) => range === pattern);
    if (matching.length > 0) return Math.max(...matching.map(({ quality }) => quality));
  }
  return 0;
}
