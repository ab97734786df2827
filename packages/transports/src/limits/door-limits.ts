import { addressGroup } from './address-group.ts';
import { createMemoryLimiter } from './limiter.ts';

export interface DoorLimitsOptions {
  /** Credentials that open nothing, from one address in a minute; beyond, none is looked at. Default 30. */
  readonly failuresPerMinute?: number;
  /** Requests without a credential that were not let in, from one address in a minute. Default 300. */
  readonly strangersPerMinute?: number;
}

/**
 * Port: what the door asks before it looks at a credential, and tells after. Addresses are counted as one IPv4 address or one IPv6 /64. Pass
 * one to all listeners of a hub, so that another port is no new beginning.
 */
export interface DoorLimits {
  /** Milliseconds the address has to wait, or `undefined` when it may come in. */
  waitOf(address: string, visitor: Visitor): Promise<number | undefined>;
  /** It was not let in. */
  failed(address: string, visitor: Visitor): Promise<void>;
}

interface Visitor {
  readonly showsCredential: boolean;
}

/** Counts in this process's memory, which stays bounded whatever comes. */
export function createDoorLimits({ failuresPerMinute = 30, strangersPerMinute = 300 }: DoorLimitsOptions = {}): DoorLimits {
  const failures = createMemoryLimiter({ points: failuresPerMinute, perMs: 60_000 });
  const strangers = createMemoryLimiter({ points: strangersPerMinute, perMs: 60_000 });
  const limiterOf = ({ showsCredential }: Visitor) => (showsCredential ? failures : strangers);
  return {
    waitOf: (address, visitor) => limiterOf(visitor).look(addressGroup(address)),
    async failed(address, visitor) {
      await limiterOf(visitor).take(addressGroup(address));
    },
  };
}
