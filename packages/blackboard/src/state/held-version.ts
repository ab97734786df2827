import type { JsonValue } from '@meshwork/core';
import type { Version, VersionKind } from './board-state.ts';

/** What many versions have in common, held once. */
export interface Origin {
  readonly replica: string;
  readonly kind: VersionKind;
  readonly writer: string;
}

/** A version as a state holds it. Never handed from one state to another: whether it is held is its own state's matter. */
export class HeldVersion implements Version {
  readonly key: string;
  readonly counter: number;
  readonly time: number;
  readonly value: JsonValue | undefined;
  readonly origin: Origin;
  isHeld = true;

  constructor(origin: Origin, key: string, counter: number, time: number, value: JsonValue | undefined) {
    this.key = key;
    this.counter = counter;
    this.time = time;
    this.value = value;
    this.origin = origin;
  }

  get replica(): string {
    return this.origin.replica;
  }

  get kind(): VersionKind {
    return this.origin.kind;
  }

  get writer(): string {
    return this.origin.writer;
  }

  get expiresAt(): number | undefined {
    return undefined;
  }
}

/** Apart, so that the versions that never expire do not pay for it. */
class ExpiringVersion extends HeldVersion {
  readonly #expiresAt: number;

  constructor(origin: Origin, key: string, counter: number, time: number, value: JsonValue | undefined, expiresAt: number) {
    super(origin, key, counter, time, value);
    this.#expiresAt = expiresAt;
  }

  override get expiresAt(): number {
    return this.#expiresAt;
  }
}

export function holdVersion(origin: Origin, key: string, { counter, time, value, expiresAt }: Omit<Version, keyof Origin | 'key'>): HeldVersion {
  return expiresAt === undefined ? new HeldVersion(origin, key, counter, time, value) : new ExpiringVersion(origin, key, counter, time, value, expiresAt);
}
