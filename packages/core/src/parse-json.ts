import { findJsonFault, type JsonLimits } from './check-json.ts';
import { InvalidInputError } from './errors.ts';

/**
 * Parses JSON text from outside, stricter than `JSON.parse`: a duplicate key in an object, nesting deeper than `maxDepth`,
 * a key named `__proto__` and a lone surrogate are refused (I-JSON, RFC 7493 section 2, asks for the first and the last).
 *
 * @throws {InvalidInputError} with a message that says what is wrong.
 */
export function parseJson(text: string, limits: JsonLimits = {}): unknown {
  const fault = scan(text, limits.maxDepth ?? 64);
  if (fault !== undefined) throw new InvalidInputError(fault);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidInputError('the text is not valid JSON', { cause });
  }
  const deepFault = findJsonFault(value, limits);
  if (deepFault !== undefined) throw new InvalidInputError(deepFault);
  return value;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** One pass over the text before it is parsed: depth, and the keys of each open object. Other faults are left to `JSON.parse`. */
function scan(text: string, maxDepth: number): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let expectKey = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
      case 0x5b: {
        // [
        if (open.length === maxDepth) return `the JSON text is nested more than ${maxDepth} levels deep`;
        const isObject = text.charCodeAt(at) === 0x7b;
        open.push(isObject ? new Set() : undefined);
        expectKey = isObject;
        break;
      }
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        expectKey = false;
        break;
      case 0x2c: // ,
        expectKey = open.at(-1) !== undefined;
        break;
      case QUOTE: {
        const end = endOfString(text, at);
        if (end === -1) return undefined;
        if (expectKey) {
          const key = readKey(text, at, end);
          const keys = open.at(-1);
          if (key !== undefined && keys !== undefined) {
            if (keys.has(key)) return `the JSON text has the key ${JSON.stringify(key)} twice in one object`;
            keys.add(key);
          }
          expectKey = false;
        }
        at = end;
        break;
      }
    }
  }
  return undefined;
}

function endOfString(text: string, start: number): number {
  let at = text.indexOf('"', start + 1);
  while (at !== -1) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
    at = text.indexOf('"', at + 1);
  }
  return -1;
}

/** Two spellings of one key (`"a"`, `"\u0061"`) are the same key. */
function readKey(text: string, start: number, end: number): string | undefined {
  const raw = text.slice(start + 1, end);
  if (!raw.includes('\\')) return raw;
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return undefined;
  }
}
