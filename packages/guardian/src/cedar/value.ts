import type { Datetime } from './datetime.ts';
import type { Decimal } from './decimal.ts';
import type { Duration } from './duration.ts';
import { EntityUid } from './entity-uid.ts';
import type { IpAddress } from './ip-address.ts';
import type { Long } from './long.ts';

/** A Cedar value. Strings, booleans and integers are JavaScript's own; everything else is an object with a `key`. */
export type Value = boolean | string | Long | EntityUid | CedarSet | CedarRecord | Extension;

/** The values of Cedar's extensions. */
type Extension = Decimal | Datetime | Duration | IpAddress;

/** Two values are the same exactly when their keys are. Lengths are written in front, so that no key can be made to look like another. */
function keyOf(value: Value): string {
  if (typeof value === 'object') return value.key;
  return typeof value === 'string' ? `"${value}` : String(value);
}

const framed = (key: string) => `${key.length}:${key}`;

export function isEqual(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object') return false;
  if (left instanceof EntityUid) return right instanceof EntityUid && left.is(right);
  return left.constructor === right.constructor && left.key === right.key;
}

/** A set: no order, nothing twice. */
export class CedarSet {
  readonly items: readonly Value[];
  #keys: ReadonlySet<string> | undefined;
  #key: string | undefined;

  constructor(items: readonly Value[]) {
    this.items = items;
  }

  get keys(): ReadonlySet<string> {
    this.#keys ??= new Set(this.items.map(keyOf));
    return this.#keys;
  }

  get key(): string {
    this.#key ??= `set ${[...this.keys].sort().map(framed).join('')}`;
    return this.#key;
  }

  /** Small sets are looked through; larger ones are indexed once. */
  has(value: Value): boolean {
    if (this.#keys === undefined && this.items.length <= 8) return this.items.some((item) => isEqual(item, value));
    return this.keys.has(keyOf(value));
  }
}

export class CedarRecord {
  readonly attributes: ReadonlyMap<string, Value>;
  #key: string | undefined;

  constructor(attributes: ReadonlyMap<string, Value>) {
    this.attributes = attributes;
  }

  get key(): string {
    this.#key ??= `record ${[...this.attributes]
      .map(([name, value]) => framed(name) + framed(keyOf(value)))
      .sort()
      .join('')}`;
    return this.#key;
  }
}
