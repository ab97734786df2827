import { InvalidInputError, type JsonValue } from '@meshwork/core';

export interface ValueLimits {
  /** Characters of a value's JSON, about. */
  readonly maxValueLength: number;
  /** Arrays and objects within each other. */
  readonly maxDepth: number;
}

/**
 * A frozen copy of a JSON value, that nobody else can change.
 * @throws {InvalidInputError} where it is not JSON, holds half a surrogate pair, or is larger or deeper than the limits.
 */
export function ownJson(value: unknown, limits: ValueLimits): JsonValue {
  return copy(value, { left: limits.maxValueLength, depth: limits.maxDepth, limits });
}

/** Sets a member whatever its name; plain assignment of `__proto__` would change what the object inherits. */
function setMember(object: Record<string, JsonValue>, name: string, value: JsonValue): void {
  if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  else object[name] = value;
}

/** The same text for equal values, whatever the order of their members. */
export function canonicalJson(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member as JsonValue)}`).join(',')}}`;
}

interface Allowance {
  left: number;
  depth: number;
  readonly limits: ValueLimits;
}

function copy(value: unknown, allowance: Allowance): JsonValue {
  switch (typeof value) {
    case 'string':
      spend(value.length + 2, allowance);
      if (!value.isWellFormed()) throw new InvalidInputError('a value holds half a surrogate pair, which UTF-8 cannot carry; repair the text first');
      return value;
    case 'number':
      spend(2, allowance);
      if (!Number.isFinite(value)) throw new InvalidInputError(`a value holds ${value}, which JSON cannot carry; use null or a text instead`);
      return value === 0 ? 0 : value;
    case 'boolean':
      spend(4, allowance);
      return value;
    case 'object':
      spend(2, allowance);
      return value === null ? null : copyObject(value, allowance);
    default:
      throw new InvalidInputError(`a value holds a ${typeof value}, which JSON cannot carry; leave it out`);
  }
}

function copyObject(value: object, allowance: Allowance): JsonValue {
  if (allowance.depth === 0) throw new InvalidInputError(`a value is deeper than ${allowance.limits.maxDepth} levels or holds itself; make it flatter`);
  allowance.depth--;
  const copied = Array.isArray(value) ? copyArray(value, allowance) : copyMembers(value, allowance);
  allowance.depth++;
  return Object.freeze(copied);
}

function copyArray(value: readonly unknown[], allowance: Allowance): JsonValue[] {
  spend(value.length, allowance);
  const items: JsonValue[] = [];
  for (let at = 0; at < value.length; at++) items.push(copy(value[at], allowance));
  return items;
}

function copyMembers(value: object, allowance: Allowance): Record<string, JsonValue> {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new InvalidInputError('a value holds an object of a class; give plain objects only');
  const members: Record<string, JsonValue> = {};
  for (const name of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[name];
    if (member === undefined) continue;
    spend(name.length + 3, allowance);
    if (!name.isWellFormed()) throw new InvalidInputError('the name of a member holds half a surrogate pair; repair the text first');
    setMember(members, name, copy(member, allowance));
  }
  return members;
}

function spend(characters: number, allowance: Allowance): void {
  allowance.left -= characters;
  if (allowance.left < 0)
    throw new InvalidInputError(`a value is larger than ${allowance.limits.maxValueLength} characters; store it elsewhere and keep its address here`);
}
