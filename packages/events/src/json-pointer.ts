import { InvalidInputError } from '@meshwork/core';

/**
 * Reads a JSON pointer (RFC 6901) once and returns the function that finds what it points at: own members only; `undefined` where nothing is.
 *
 * @throws {InvalidInputError} when it is none.
 */
export function compilePointer(pointer: string): (value: unknown) => unknown {
  if (pointer !== '' && (!pointer.startsWith('/') || /~(?![01])/.test(pointer)))
    throw new InvalidInputError(`${JSON.stringify(pointer)} is no JSON pointer (RFC 6901); write one such as "/agent/id"`);
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return (value) => {
    let found = value;
    for (const step of steps) {
      if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
      // An array has own properties that JSON does not know, such as its length.
      if (Array.isArray(found) && !/^(0|[1-9]\d*)$/.test(step)) return undefined;
      found = (found as Readonly<Record<string, unknown>>)[step];
    }
    return found;
  };
}

/** Whether two JSON values are equal; the order of members does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && sameJson((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]));
}
