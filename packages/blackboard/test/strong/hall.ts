import { createQuorumStore, type QuorumStore, type QuorumStoreOptions } from '@meshwork/blackboard';
import { createMemoryStore, type Journal, type KeyValueStore, randomIds, type Store, type StoredValue, UnavailableError } from '@meshwork/core';

/** Says that it keeps what it acknowledged, which is so while the test runs. */
export function enduring<T extends KeyValueStore>(store: T): T {
  return { ...store, durability: 'durable' };
}

export interface HallOptions extends Partial<QuorumStoreOptions> {
  readonly members: readonly string[];
}

/** Holds appends back until they are let go, one by one. */
export interface Gate {
  readonly waiting: number;
  shut(): void;
  letOne(): void;
  open(): void;
}

/** Hubs in one process, whose ways to each other can be cut, and whose disks can be taken away. */
export interface Hall {
  hub(name: string): QuorumStore;
  gate(name: string): Gate;
  disk(name: string): Store;
  start(name: string, options?: Partial<QuorumStoreOptions>): Promise<QuorumStore>;
  /** Its process ends, and another begins, on the same disk or an empty one. */
  restart(name: string, options?: { readonly isWiped?: boolean } & Partial<QuorumStoreOptions>): Promise<QuorumStore>;
  /** Only hubs of one group reach each other; without groups all do. */
  part(...groups: readonly (readonly string[])[]): void;
  /** Every message that is sent: to be looked at, changed, or lost by a throw. */
  meddle: (from: string, to: string, message: Uint8Array) => Uint8Array;
  close(): Promise<void>;
}

export async function openHall(names: readonly string[], common: HallOptions): Promise<Hall> {
  const hubs = new Map<string, QuorumStore>();
  const disks = new Map<string, Store>();
  const gates = new Map<string, Gate & { wait(): Promise<void> }>();
  let groups: readonly (readonly string[])[] | undefined;

  const hall: Hall = {
    hub: (name) => found(hubs.get(name)),
    gate: (name) => found(gates.get(name)),
    disk: (name) => found(disks.get(name)),
    async start(name, options) {
      const disk = disks.get(name) ?? enduring(createMemoryStore());
      const gate = gates.get(name) ?? createGate();
      disks.set(name, disk);
      gates.set(name, gate);
      const append = async (stream: string, records: readonly StoredValue[], how?: Parameters<Journal['append']>[2]) => {
        await gate.wait();
        return disk.append(stream, records, how);
      };
      const store = await createQuorumStore({
        name,
        board: 'plans',
        store: { ...disk, append },
        links: (peer) => ({
          peer,
          async request(message) {
            const other = hubs.get(peer);
            const reaches = groups === undefined || groups.some((group) => group.includes(name) && group.includes(peer));
            if (other === undefined || !reaches) throw new UnavailableError('there is no way');
            return (await other.answer({ name }, hall.meddle(name, peer, message))).slice();
          },
          send() {},
        }),
        ids: randomIds,
        resendMs: 10,
        takeOverMs: 20,
        ...common,
        ...options,
      });
      hubs.set(name, store);
      return store;
    },
    async restart(name, { isWiped = false, ...options } = {}) {
      await hall.hub(name).close();
      if (isWiped) disks.delete(name);
      return hall.start(name, options);
    },
    part(...next) {
      groups = next.length === 0 ? undefined : next;
    },
    meddle: (_from, _to, message) => message,
    async close() {
      for (const gate of gates.values()) gate.open();
      await Promise.all([...hubs.values()].map((hub) => hub.close()));
    },
  };
  for (const name of names) await hall.start(name);
  return hall;
}

function createGate(): Gate & { wait(): Promise<void> } {
  const queue: (() => void)[] = [];
  let isShut = false;
  return {
    get waiting() {
      return queue.length;
    },
    shut() {
      isShut = true;
    },
    letOne: () => queue.shift()?.(),
    open() {
      isShut = false;
      for (const go of queue.splice(0)) go();
    },
    wait: () => (isShut ? new Promise((resolve) => void queue.push(resolve)) : Promise.resolve()),
  };
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('there is no such hub');
  return value;
}
