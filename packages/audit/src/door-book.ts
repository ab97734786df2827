import type { Clock } from '@meshwork/core';
import type { ChainWriter } from './chain-writer.ts';
import { doorRecordOf, type Flood, floodRecordOf, type Refusal } from './door-record.ts';

/** Records what the transports refuse before it is a call: the `DoorRecorder` of `@meshwork/transports`. */
export interface DoorBook {
  /**
   * Resolves when the refusal is in the journal; at once when it is only counted, as part of a flood. @throws {UnavailableError} when it could
   * not be written.
   */
  refused(refusal: Refusal): Promise<void>;
}

export interface DoorBookOptions {
  readonly writer: ChainWriter;
  readonly clock: Clock;
  /** Refusals of one address, and of all, that are recorded singly in a second. */
  readonly maxPerAddress?: number;
  readonly maxInAll?: number;
}

/** How many addresses are counted apart: the others of a flood are counted together. */
const MAX_ADDRESSES = 1_000;
/** Refusals that wait for the journal at once, at most: the others are counted. */
const MAX_WAITING = 2_000;
const OTHERS = 'others';

interface Counting extends Flood {
  count: number;
  readonly statuses: Map<number, number>;
  readonly addresses: Map<string, number>;
}

/**
 * Refusals leave one record each, up to 100 a second of one address and 1,000 in all; the rest of a second is counted and leaves one record
 * that says how many of what. So a flood costs little disk and memory, and nothing of it goes unsaid: a crash loses the counts of a second.
 */
export function createDoorBook({ writer, clock, maxPerAddress = 100, maxInAll = 1_000 }: DoorBookOptions): DoorBook & { settle(): Promise<void> } {
  let second = 0;
  let inAll = 0;
  let waiting = 0;
  let perAddress = new Map<string, number>();
  let flood: Counting | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const turn = () => {
    const now = Math.floor(clock.now() / 1_000);
    if (now === second) return;
    second = now;
    inAll = 0;
    perAddress = new Map();
  };
  const writeFlood = async () => {
    clearTimeout(timer);
    timer = undefined;
    const counted = flood;
    flood = undefined;
    if (counted === undefined) return;
    try {
      await writer.append(floodRecordOf(counted, timeOf(clock)));
    } catch {
      // The journal is away: what was counted is written when it is back.
      flood = added(counted, flood);
      startTimer();
    }
  };
  const startTimer = () => {
    if (timer !== undefined) return;
    timer = setTimeout(() => void writeFlood(), 1_000);
    timer.unref();
  };
  const count = ({ status, address = 'none' }: Refusal) => {
    flood ??= { count: 0, statuses: new Map(), addresses: new Map() };
    flood.count += 1;
    add(flood.statuses, status, 1);
    add(flood.addresses, flood.addresses.has(address) || flood.addresses.size < MAX_ADDRESSES ? address : OTHERS, 1);
    startTimer();
  };

  return {
    async refused(refusal) {
      const before = second;
      turn();
      if (second !== before) void writeFlood();
      const { address = 'none' } = refusal;
      const own = perAddress.get(address) ?? 0;
      if (own >= maxPerAddress || inAll >= maxInAll || waiting >= MAX_WAITING) return count(refusal);
      inAll += 1;
      perAddress.set(address, own + 1);
      waiting += 1;
      try {
        await writer.append(doorRecordOf(refusal, timeOf(clock)));
      } finally {
        waiting -= 1;
      }
    },
    settle: writeFlood,
  };
}

function timeOf(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}

function add<Key>(counts: Map<Key, number>, key: Key, times: number): void {
  counts.set(key, (counts.get(key) ?? 0) + times);
}

function added(counting: Counting, later: Flood | undefined): Counting {
  if (later === undefined) return counting;
  counting.count += later.count;
  for (const [status, times] of later.statuses) add(counting.statuses, status, times);
  for (const [address, times] of later.addresses)
    add(counting.addresses, counting.addresses.has(address) || counting.addresses.size < MAX_ADDRESSES ? address : OTHERS, times);
  return counting;
}
