import { InvalidInputError } from '../errors.ts';
import type { StoredValue } from '../journal.ts';

/** A value as drivers keep it: JSON as its text, bytes as bytes. */
export type EncodedValue = string | Uint8Array;

/** Nesting no honest value has. A value that holds itself reaches it too. */
const MAX_DEPTH = 1_000;

/** For drivers: a copy of the value, in the form that is kept. @throws {InvalidInputError} when it is neither JSON nor bytes. */
export function encodeValue(value: StoredValue): EncodedValue {
  // Not `slice`: that of a Buffer copies nothing.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  const fault = findFault(value, '$', MAX_DEPTH);
  if (fault !== undefined) throw new InvalidInputError(fault);
  return JSON.stringify(value);
}

/** What `JSON.stringify` would leave out, change or fail on without a word. A member that is undefined is none. */
function findFault(value: unknown, path: string, depthLeft: number): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path} is ${value}, which JSON cannot carry`;
  if (typeof value !== 'object') return `${path} is ${value === undefined ? 'undefined' : `a ${typeof value}`}, which JSON cannot carry`;
  if (depthLeft === 0) return `the value holds itself, or is nested more than ${MAX_DEPTH} levels deep`;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const fault = findFault(value[index], `${path}[${index}]`, depthLeft - 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    return `${path} is an object of a class; only plain objects, arrays and, alone, bytes can be kept`;
  for (const [name, member] of Object.entries(value)) {
    const fault = member === undefined ? undefined : findFault(member, `${path}.${name}`, depthLeft - 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
