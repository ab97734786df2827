import { InvalidInputError } from '../errors.ts';
import type { StoredValue } from '../journal.ts';
import type { JsonValue } from '../json.ts';

/** Nesting no honest value has. A value that holds itself reaches it too. */
const MAX_DEPTH = 1_000;

/** A copy that shares nothing with its original, as JSON would have carried it. @throws {InvalidInputError} when it is neither JSON nor bytes. */
export function copyValue(value: StoredValue): StoredValue {
  // Not `slice` or `structuredClone`: of a Buffer, these keep the pool it came from.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  return copyJson(value, '$', MAX_DEPTH);
}

function copyJson(value: unknown, path: string, depthLeft: number): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new InvalidInputError(`${path} is ${value}, which JSON cannot carry`);
      return value === 0 ? 0 : value;
    case 'object':
      if (value === null) return null;
      if (depthLeft === 0) throw new InvalidInputError(`the value holds itself, or is nested more than ${MAX_DEPTH} levels deep`);
      // `Array.from` visits holes, where `map` would leave them.
      if (Array.isArray(value)) return Array.from(value, (item: unknown, index) => copyJson(item, `${path}[${index}]`, depthLeft - 1));
      if (isPlain(value)) return copyMembers(value, path, depthLeft);
      throw new InvalidInputError(`${path} is an object of a class; only plain objects, arrays and, alone, bytes can be kept`);
    default:
      throw new InvalidInputError(`${path} is ${value === undefined ? 'undefined' : `a ${typeof value}`}, which JSON cannot carry`);
  }
}

/** A member that is undefined is none, as in JSON. `fromEntries` makes a member of `__proto__` too, where an assignment would not. */
function copyMembers(value: object, path: string, depthLeft: number): JsonValue {
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, copyJson(member, `${path}.${name}`, depthLeft - 1)]));
}

/** True for the objects of literals and of `JSON.parse`, of any realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
