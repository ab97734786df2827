import { UnsupportedError } from './evaluation-error.ts';

/** Policy text whose large integers survive being turned into JSON, and the way back. */
export interface ExactIntegers {
  readonly text: string;
  /** Puts the integers back, as bigints, into the JSON that was made of the text. */
  restore(json: unknown): unknown;
}

const TOKEN = /"(?:[^"\\]|\\[\s\S])*"|\/\/[^\n]*|[A-Za-z_]\w*|\d+/g;

/**
 * Cedar has integers of 64 bits, JSON in JavaScript has 53: `policyToJson` rounds what is larger. So each large integer is written as
 * an attribute of a record, `{"long":"9223372036854775807"}["long"]`, under a name that the text does not hold, and read back as what
 * it was. The text must be a policy that Cedar has parsed already.
 */
export function keepIntegers(policy: string): ExactIntegers {
  let name = 'long';
  while (policy.includes(name)) name += '_';
  let kept = 0;
  const text = policy.replaceAll(TOKEN, (token) => {
    if (!/^\d/.test(token) || BigInt(token) <= BigInt(Number.MAX_SAFE_INTEGER)) return token;
    kept += 1;
    return `{"${name}":"${token}"}["${name}"]`;
  });
  return { text, restore: (json) => (kept === 0 ? json : restoreAll(json, name, kept)) };
}

interface Access {
  readonly '.'?: { readonly attr?: unknown; readonly left: { readonly Record?: Readonly<Record<string, { readonly Value: string }>> } };
  readonly neg?: { readonly arg: unknown };
}

function restoreAll(json: unknown, name: string, kept: number): unknown {
  let found = 0;
  const restore = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(restore);
    if (typeof part !== 'object' || part === null) return part;
    const inner = integerIn((part as Access).neg?.arg, name);
    // The least integer is one more than the greatest with its sign changed: only with the minus in front is it one at all.
    const integer = inner === undefined ? integerIn(part, name) : -inner;
    if (integer === undefined) return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, restore(value)]));
    found += 1;
    return { Value: integer };
  };
  const restored = restore(json);
  // The text can spell the name with escapes. Then nothing tells its records from ours.
  if (found !== kept) throw new UnsupportedError('a policy holds large integers that cannot be told apart');
  return restored;
}

function integerIn(json: unknown, name: string): bigint | undefined {
  const access = (json as Access | undefined)?.['.'];
  const digits = access?.attr === name ? access.left.Record?.[name]?.Value : undefined;
  return digits === undefined ? undefined : BigInt(digits);
}
