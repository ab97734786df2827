import { asString, asUid, wrongType } from './as-type.ts';
import { EntityUid } from './entity-uid.ts';
import { EvaluationError } from './evaluation-error.ts';
import type { Request } from './request.ts';
import { CedarRecord, CedarSet, type Value } from './value.ts';

/** What a record or an entity holds. An entity nobody knows holds nothing. */
function attributesOf(value: Value, request: Request): ReadonlyMap<string, Value> | undefined {
  if (value instanceof CedarRecord) return value.attributes;
  if (value instanceof EntityUid) return request.entities.get(value)?.attributes;
  throw wrongType('a record or an entity');
}

export function getAttribute(value: Value, name: string, request: Request): Value {
  const found = attributesOf(value, request)?.get(name);
  if (found === undefined) throw new EvaluationError(`there is no attribute ${JSON.stringify(name)}`);
  return found;
}

export function hasAttribute(value: Value, name: string, request: Request): boolean {
  return attributesOf(value, request)?.has(name) ?? false;
}

/** `has a.b.c`: true when each step is there; a step on what holds no attributes is an error. */
export function hasPath(value: Value, path: readonly string[], request: Request): boolean {
  let at = value;
  for (const name of path) {
    const next = attributesOf(at, request)?.get(name);
    if (next === undefined) return false;
    at = next;
  }
  return true;
}

export function hasTag(value: Value, tag: Value, request: Request): boolean {
  const uid = asUid(value);
  const name = asString(tag);
  return request.entities.get(uid)?.tags.has(name) ?? false;
}

export function getTag(value: Value, tag: Value, request: Request): Value {
  const uid = asUid(value);
  const name = asString(tag);
  const found = request.entities.get(uid)?.tags.get(name);
  if (found === undefined) throw new EvaluationError(`there is no tag ${JSON.stringify(name)}`);
  return found;
}

/** `in`: an entity, or any of a set of nothing but entities. */
export function isWithin(value: Value, where: Value, request: Request): boolean {
  const uid = asUid(value);
  if (where instanceof EntityUid) return request.entities.isIn(uid, where);
  if (!(where instanceof CedarSet)) throw wrongType('an entity or a set of entities');
  const ancestors = where.items.map(asUid);
  return ancestors.some((ancestor) => request.entities.isIn(uid, ancestor));
}
