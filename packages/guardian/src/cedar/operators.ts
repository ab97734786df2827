import { asBoolean, asLong, asSet, asUid, wrongType } from './as-type.ts';
import { getTag, hasTag, isWithin } from './attributes.ts';
import { Datetime } from './datetime.ts';
import { Duration } from './duration.ts';
import { add, isLong, multiply, negate, subtract } from './long.ts';
import type { Request } from './request.ts';
import { isEqual, type Value } from './value.ts';

/** Operators on one value. */
export const unaryOperators: ReadonlyMap<string, (value: Value) => Value> = new Map<string, (value: Value) => Value>([
  ['!', (value) => !asBoolean(value)],
  ['neg', (value) => negate(asLong(value))],
  ['isEmpty', (value) => asSet(value).items.length === 0],
]);

/** Operators on two values that were both evaluated; what may skip one of them is elsewhere. */
export const binaryOperators: ReadonlyMap<string, (left: Value, right: Value) => Value> = new Map<string, (left: Value, right: Value) => Value>([
  ['==', isEqual],
  ['!=', (left, right) => !isEqual(left, right)],
  ['<', isBelow],
  ['<=', (left, right) => !isBelow(right, left)],
  ['>', (left, right) => isBelow(right, left)],
  ['>=', (left, right) => !isBelow(left, right)],
  ['+', (left, right) => add(asLong(left), asLong(right))],
  ['-', (left, right) => subtract(asLong(left), asLong(right))],
  ['*', (left, right) => multiply(asLong(left), asLong(right))],
  ['contains', (set, value) => asSet(set).has(value)],
  ['containsAll', (set, others) => containsAll(set, others)],
  ['containsAny', (set, others) => containsAny(set, others)],
]);

/** Operators on two values that also look entities up. */
export const entityOperators: ReadonlyMap<string, (left: Value, right: Value, request: Request) => Value> = new Map([
  ['in', isWithin],
  ['hasTag', hasTag],
  ['getTag', getTag],
]);

/** Between two integers, two datetimes or two durations. Decimals have methods of their own. */
function isBelow(left: Value, right: Value): boolean {
  if (isLong(left) && isLong(right)) return left < right;
  if (left instanceof Datetime && right instanceof Datetime) return left.ms < right.ms;
  if (left instanceof Duration && right instanceof Duration) return left.ms < right.ms;
  throw wrongType('of a kind that has an order, and the same on both sides');
}

function containsAll(set: Value, others: Value): boolean {
  const whole = asSet(set);
  return asSet(others).items.every((item) => whole.has(item));
}

function containsAny(set: Value, others: Value): boolean {
  const whole = asSet(set);
  return asSet(others).items.some((item) => whole.has(item));
}

/** `is`: whether an entity is of a type. The name is enough; the entity need not be known. */
export function isOfType(value: Value, type: string): boolean {
  return asUid(value).type === type;
}
