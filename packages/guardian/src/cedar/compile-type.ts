import { Datetime } from './datetime.ts';
import { Decimal } from './decimal.ts';
import { Duration } from './duration.ts';
import type { EntityUid } from './entity-uid.ts';
import { UnsupportedError } from './evaluation-error.ts';
import { InvalidRequestError } from './invalid-request-error.ts';
import { IpAddress } from './ip-address.ts';
import { readExtension, readLong, readUid } from './read-value.ts';
import type { TypeJson } from './schema-json.ts';
import { CedarRecord, CedarSet, type Value } from './value.ts';

/** Reads a value that must be of one type. @throws {InvalidRequestError} when it is of another. */
export type Reader = (json: unknown) => Value;

/** What types refer to by name. */
export interface TypeNames {
  /** The reader of a common type: one for all that refer to it, or types of types of types would grow without bound. */
  common(name: string): Reader | undefined;
  /** Throws unless there can be such an entity. */
  checkUid(uid: EntityUid): void;
}

/** Reading and checking in one pass, so that a request is never walked twice. @throws {UnsupportedError} for an unknown type. */
export function compileType(json: TypeJson, names: TypeNames): Reader {
  switch (json.type) {
    case 'Set':
      if (json.element === undefined) break;
      return setOf(compileType(json.element, names));
    case 'Record':
      return recordOf(json, names);
    case 'Entity':
      return entityOf(json.name, names);
    case 'Extension':
      return named(json.name ?? '', names);
    case 'EntityOrCommon':
      break;
    default:
      return named(json.type, names);
  }
  throw new UnsupportedError(`the schema has a type that is not known, ${JSON.stringify(json)}`);
}

function named(name: string, names: TypeNames): Reader {
  const reader = names.common(name) ?? primitives.get(name.replace(/^__cedar::/, ''));
  if (reader === undefined) throw new UnsupportedError(`the schema has a type that is not known, ${JSON.stringify(name)}`);
  return reader;
}

const primitives: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['String', readString],
  ['Long', (json) => (typeof json === 'number' || typeof json === 'bigint' ? readLong(json) : wrong('a Long'))],
  ['Bool', readBoolean],
  ['Boolean', readBoolean],
  ['ipaddr', extensionOf('ip', IpAddress)],
  ['decimal', extensionOf('decimal', Decimal)],
  ['datetime', extensionOf('datetime', Datetime)],
  ['duration', extensionOf('duration', Duration)],
]);

function wrong(expected: string): never {
  throw new InvalidRequestError(`a value in the request is not ${expected}`);
}

/** Half a surrogate pair is no character, and Cedar does not take it. */
function readString(json: unknown): Value {
  return typeof json === 'string' && json.isWellFormed() ? json : wrong('a String');
}

function readBoolean(json: unknown): Value {
  return typeof json === 'boolean' ? json : wrong('a Bool');
}

/** `{ __extn: { fn, arg } }`, or just the text: the schema says which function is meant. */
function extensionOf(fn: string, type: new (...args: never[]) => Value): Reader {
  return (json) => {
    const value = typeof json === 'object' && json !== null ? readExtension(json) : readExtension({ fn, arg: json });
    return value instanceof type ? value : wrong(`of the type ${type.name}`);
  };
}

function entityOf(type: string | undefined, names: TypeNames): Reader {
  return (json) => {
    if (typeof json !== 'object' || json === null) wrong('an entity');
    const uid = readUid(json);
    if (uid.type !== type) wrong(`an entity of the type ${type}`);
    names.checkUid(uid);
    return uid;
  };
}

function setOf(read: Reader): Reader {
  return (json) => (Array.isArray(json) ? new CedarSet(json.map(read)) : wrong('a Set'));
}

function recordOf({ attributes = {}, additionalAttributes = false }: TypeJson, names: TypeNames): Reader {
  if (additionalAttributes) throw new UnsupportedError('the schema has a record that is open to more attributes');
  const fields = Object.entries(attributes).map(([name, type]) => ({ name, read: compileType(type, names), required: type.required ?? true }));
  return (json) => {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) wrong('a Record');
    const given = json as Readonly<Record<string, unknown>>;
    const values = new Map<string, Value>();
    for (const { name, read, required } of fields) {
      const value = Object.hasOwn(given, name) ? given[name] : undefined;
      if (value !== undefined) values.set(name, read(value));
      else if (required) wrong(`complete: there is no ${JSON.stringify(name)}`);
    }
    if (Object.keys(given).length !== values.size) checkNames(given, values);
    return new CedarRecord(values);
  };
}

/** An attribute that is undefined is none: JSON has no such value. */
function checkNames(given: Readonly<Record<string, unknown>>, values: ReadonlyMap<string, Value>): void {
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && !values.has(name)) wrong(`without an attribute ${JSON.stringify(name)}: the schema has none`);
}
