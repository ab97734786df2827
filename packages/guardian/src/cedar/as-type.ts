import { EntityUid } from './entity-uid.ts';
import { EvaluationError } from './evaluation-error.ts';
import { isLong, type Long } from './long.ts';
import { CedarSet, type Value } from './value.ts';

/** Cedar checks types while it evaluates: a value of another type than an operator takes is an error of the policy. */
export function asBoolean(value: Value): boolean {
  if (typeof value !== 'boolean') throw wrongType('a Bool');
  return value;
}

export function asString(value: Value): string {
  if (typeof value !== 'string') throw wrongType('a String');
  return value;
}

export function asLong(value: Value): Long {
  if (!isLong(value)) throw wrongType('a Long');
  return value;
}

export function asSet(value: Value): CedarSet {
  if (!(value instanceof CedarSet)) throw wrongType('a Set');
  return value;
}

export function asUid(value: Value): EntityUid {
  if (!(value instanceof EntityUid)) throw wrongType('an entity');
  return value;
}

/** A value of one of the extensions, or of any class of values. */
export function asInstance<T extends Value>(type: new (...args: never[]) => T, value: Value | undefined): T {
  if (!(value instanceof type)) throw wrongType(type.name);
  return value;
}

export function wrongType(expected: string): EvaluationError {
  return new EvaluationError(`a value is not ${expected}`);
}
