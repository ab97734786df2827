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
  return new JsonCopier(limits).copy(value);
}

/** The same text for equal values, whatever the order of their members. */
export function canonicalJson(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member as JsonValue)}`).join(',')}}`;
}

/** Names that are remembered. */
const maxNames = 1_000;

/** Copies one value after the other. */
export class JsonCopier {
  readonly #limits: ValueLimits;
  /** Names of members that are well-formed: objects have few, and have them again and again. */
  readonly #names = new Set<string>();
  #left = 0;
  #depth = 0;

  constructor(limits: ValueLimits) {
    this.#limits = limits;
  }

  /** As `ownJson`. */
  copy(value: unknown): JsonValue {
    this.#left = this.#limits.maxValueLength;
    this.#depth = this.#limits.maxDepth;
    return this.#copy(value);
  }

  #copy(value: unknown): JsonValue {
    switch (typeof value) {
      case 'string':
        this.#spend(value.length + 2);
        if (!value.isWellFormed()) throw halfPair();
        return value;
      case 'number':
        this.#spend(2);
        if (!Number.isFinite(value)) throw new InvalidInputError(`a value holds ${value}, which JSON cannot carry; use null or a text instead`);
        return value === 0 ? 0 : value;
      case 'boolean':
        this.#spend(4);
        return value;
      case 'object':
        this.#spend(2);
        return value === null ? null : this.#copyObject(value);
      default:
        throw new InvalidInputError(`a value holds a ${typeof value}, which JSON cannot carry; leave it out`);
    }
  }

  #copyObject(value: object): JsonValue {
    if (this.#depth === 0) throw new InvalidInputError(`a value is deeper than ${this.#limits.maxDepth} levels or holds itself; make it flatter`);
    this.#depth--;
    const copied = Array.isArray(value) ? this.#copyArray(value) : this.#copyMembers(value);
    this.#depth++;
    return Object.freeze(copied);
  }

  #copyArray(value: readonly unknown[]): JsonValue[] {
    this.#spend(value.length);
    const items: JsonValue[] = [];
    for (let at = 0; at < value.length; at++) items.push(this.#copy(value[at]));
    return items;
  }

  /** Copies all at once, as engines do quickly, and looks at each member afterwards. Members named by symbols, which JSON has not, go along. */
  #copyMembers(value: object): Record<string, JsonValue> {
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) throw new InvalidInputError('a value holds an object of a class; give plain objects only');
    const members: Record<string, unknown> = { ...value };
    let characters = 0;
    let isSparse = false;
    for (const name in members) {
      const member = members[name];
      characters += name.length + 3;
      if (!this.#names.has(name)) this.#learn(name);
      if (typeof member === 'string') {
        characters += member.length + 2;
        if (!member.isWellFormed()) throw halfPair();
      } else if (typeof member === 'number' && Number.isFinite(member) && !Object.is(member, -0)) characters += 2;
      // A member of every object of the program, which somebody gave to their prototype.
      else if (!Object.hasOwn(members, name)) characters -= name.length + 3;
      else if (member === undefined) isSparse = true;
      else members[name] = this.#copy(member);
    }
    this.#spend(characters);
    return (isSparse ? withoutUndefined(members) : members) as Record<string, JsonValue>;
  }

  #learn(name: string): void {
    if (!name.isWellFormed()) throw new InvalidInputError('the name of a member holds half a surrogate pair; repair the text first');
    if (this.#names.size < maxNames && name.length <= 64) this.#names.add(name);
  }

  #spend(characters: number): void {
    this.#left -= characters;
    if (this.#left < 0)
      throw new InvalidInputError(`a value is larger than ${this.#limits.maxValueLength} characters; store it elsewhere and keep its address here`);
  }
}

function withoutUndefined(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  // Defines each member, whatever its name: plain assignment of `__proto__` would change what the object inherits.
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));
}

function halfPair(): InvalidInputError {
  return new InvalidInputError('a value holds half a surrogate pair, which UTF-8 cannot carry; repair the text first');
}
