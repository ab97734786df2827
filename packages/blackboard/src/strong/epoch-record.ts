import { type KeyValueStore, StoreFormatError } from '@meshwork/core';
import { type Epoch, epochOf, type Member } from './epoch.ts';

/** What all hubs agree on of a board's members, as one key of a linearizable store. */
export interface EpochRecord {
  readonly epoch: Epoch;
  /** The members of the next epoch, while what was written is being brought to them. */
  readonly next: readonly Member[] | undefined;
  /** 0: there is no record yet. */
  readonly revision: number;
}

export interface EpochRecords {
  /** `undefined`: there is none yet. @throws {StoreFormatError} when it is not one that this hub can read. */
  read(): Promise<EpochRecord | undefined>;
  /** Puts it in the place of the record it was made of. @throws {ConflictError} when another has come between. */
  replace(record: EpochRecord): Promise<void>;
}

const VERSION = 1;

export function createEpochRecords(store: KeyValueStore, board: string): EpochRecords {
  const key = `blackboard/strong-epoch/${board}`;
  return {
    async read() {
      const entry = await store.get(key);
      return entry && { ...parse(key, entry.value), revision: entry.revision };
    },
    async replace({ epoch, next, revision }) {
      const membersOf = (members: readonly Member[]) => members.map(({ name, id }) => ({ name, id }));
      const value = { version: VERSION, number: epoch.number, members: membersOf(epoch.members), ...(next && { next: membersOf(next) }) };
      await store.put(key, value, { expected: revision });
    },
  };
}

function parse(key: string, value: unknown): Omit<EpochRecord, 'revision'> {
  const { version, number, members, next } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (version !== VERSION || !Number.isSafeInteger(number) || !areMembers(members) || !(next === undefined || areMembers(next)))
    throw new StoreFormatError(`the key ${JSON.stringify(key)} holds no record of members that this hub can read; update it, or use another board name`);
  return { epoch: epochOf(number as number, members), next };
}

function areMembers(value: unknown): value is readonly Member[] {
  return Array.isArray(value) && value.length > 0 && value.every((member) => typeof member?.name === 'string' && typeof member?.id === 'string');
}
