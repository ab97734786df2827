import { EntityUid } from './entity-uid.ts';
import { UnsupportedError } from './evaluation-error.ts';
import { extensionFunctions } from './extension-functions.ts';
import { type Long, toLong } from './long.ts';
import { CedarRecord, CedarSet, type Value } from './value.ts';

/** Reads a value in Cedar's JSON, where `__entity` and `__extn` say what a string could not. @throws {UnsupportedError | EvaluationError} */
export function readValue(json: unknown): Value {
  if (typeof json === 'boolean' || typeof json === 'string') return json;
  if (typeof json === 'number' || typeof json === 'bigint') return readLong(json);
  if (Array.isArray(json)) return new CedarSet(json.map(readValue));
  if (typeof json !== 'object' || json === null) throw new UnsupportedError(`no Cedar value: ${String(json)}`);
  if ('__entity' in json) return readUid(json);
  if ('__extn' in json) return readExtension(json);
  return new CedarRecord(new Map(Object.entries(json).map(([name, value]) => [name, readValue(value)])));
}

/** Integers beyond 2^53 come as bigints, or as what JSON makes of them. */
export function readLong(json: unknown): Long {
  if (typeof json === 'bigint') return toLong(json);
  if (Number.isSafeInteger(json)) return json as number;
  if (Number.isInteger(json)) return toLong(BigInt(String(json)));
  throw new UnsupportedError(`not a 64-bit integer: ${String(json)}`);
}

/** `{ type, id }`, bare or under `__entity`. */
export function readUid(json: unknown): EntityUid {
  const { __entity: bare = json } = json as { readonly __entity?: unknown };
  const { type, id } = bare as { readonly type?: unknown; readonly id?: unknown };
  if (typeof type !== 'string' || typeof id !== 'string' || !id.isWellFormed()) throw new UnsupportedError('an entity needs a type and an id');
  return new EntityUid(type, id);
}

/** `{ fn, arg }` or `{ fn, args }`, bare or under `__extn`. */
export function readExtension(json: unknown): Value {
  const { __extn: call = json } = json as { readonly __extn?: unknown };
  const { fn, arg, args = [arg] } = call as { readonly fn?: unknown; readonly arg?: unknown; readonly args?: unknown };
  const apply = typeof fn === 'string' ? extensionFunctions.get(fn) : undefined;
  if (apply === undefined || !Array.isArray(args)) throw new UnsupportedError(`no extension function ${String(fn)}`);
  // No function takes a record, so that what looks like a call is one.
  return apply(args.map((each) => (typeof each === 'object' && each !== null && 'fn' in each ? readExtension(each) : readValue(each))));
}
