import { inspectJson, type JsonLimits } from './check-json.ts';
import { InvalidInputError } from './errors.ts';

/**
 * Parses JSON text from outside, stricter than `JSON.parse`: a duplicate key in an object, nesting deeper than `maxDepth`, more members than
 * `maxMembers`, more values than `maxValues`, a string longer than `maxStringLength`, a key named `__proto__` and a lone surrogate are refused (I-JSON,
 * RFC 7493 section 2, asks for the first and the last).
 *
 * @throws {InvalidInputError} with a message that says what is wrong.
 */
export function parseJson(text: string, limits: JsonLimits = {}): unknown {
  const maxDepth = limits.maxDepth ?? 64;
  const maxStringLength = limits.maxStringLength ?? 262_144;
  const maxValues = limits.maxValues ?? 100_000;
  const written = countMembers(text, { maxDepth, maxStringLength, maxValues });
  const maxMembers = limits.maxMembers ?? 10_000;
  if (typeof written === 'number' && written > maxMembers)
    throw new InvalidInputError(`the JSON text has ${written} members, more than the ${maxMembers} that are read; send it in parts`);
  if (written === 'too-deep') throw new InvalidInputError(`the JSON text is nested more than ${maxDepth} levels deep`);
  if (written === 'too-long') throw new InvalidInputError(`the JSON text has a string of more than ${maxStringLength} characters`);
  if (written === 'too-many') throw new InvalidInputError(`the JSON text has more than ${maxValues} values; send it in parts`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidInputError('the text is not valid JSON', { cause });
  }
  const { fault, members } = inspectJson(value, limits);
  if (fault !== undefined) throw new InvalidInputError(fault);
  // An object keeps the last of two members with one key: what is missing was there twice.
  if (members !== written) throw new InvalidInputError(`the JSON text has the key ${JSON.stringify(findDuplicate(text))} twice in one object`);
  return value;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

type Caps = Readonly<Record<'maxDepth' | 'maxStringLength' | 'maxValues', number>>;

/**
 * One pass over the text before it is parsed: its depth, how many members its objects have, how many values there are, and how long its strings
 * are. Other faults are left to `JSON.parse`.
 */
function countMembers(text: string, { maxDepth, maxStringLength, maxValues }: Caps): number | 'too-deep' | 'too-long' | 'too-many' {
  let depth = 0;
  let members = 0;
  // Each value is behind a bracket or a comma; an empty array counts as one inside it, for it is as much work.
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfString(text, at);
        if (end === -1) return members;
        if (end - at - 1 > maxStringLength) return 'too-long';
        at = end;
        break;
      }
      case 0x3a: // :
        members += 1;
        break;
      case 0x7b: // {
      case 0x5b: // [
        depth += 1;
        if (depth > maxDepth) return 'too-deep';
        values += 1;
        if (values > maxValues) return 'too-many';
        break;
      case 0x2c: // ,
        values += 1;
        if (values > maxValues) return 'too-many';
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth -= 1;
        break;
    }
  }
  return members;
}

/** The first key that its object has already, in valid JSON. */
function findDuplicate(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let expectKey = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        open.push(new Set());
        expectKey = true;
        break;
      case 0x5b: // [
        open.push(undefined);
        expectKey = false;
        break;
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
        const keys = open.at(-1);
        if (expectKey && keys !== undefined) {
          const key = JSON.parse(text.slice(at, end + 1)) as string;
          if (keys.has(key)) return key;
          keys.add(key);
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
