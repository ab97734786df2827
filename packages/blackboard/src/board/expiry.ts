import { type Clock, createExpiryQueue, InvalidInputError } from '@meshwork/core';
import { RESERVED } from '../replica/members.ts';
import type { Replica } from '../replica/replica.ts';
import type { BoardState, Reading, Version } from '../state/board-state.ts';
import { familyOf } from '../state/reading.ts';
import { isTombstone } from '../state/winner.ts';

/** Milliseconds after which others delete what the replica that wrote it did not. */
const GRACE_MS = 60_000;

/** Whether a reader is shown nothing. By the reader's own clock; the moment itself was fixed by the writer's. */
export function isExpired({ version: { expiresAt } }: Reading, nowMs: number): boolean {
  return expiresAt !== undefined && expiresAt <= nowMs;
}

/** @throws {InvalidInputError} when it is no time to live. */
export function checkTtlMs(ttlMs: number | undefined): void {
  if (ttlMs !== undefined && (!Number.isSafeInteger(ttlMs) || ttlMs < 1)) throw new InvalidInputError(`ttlMs is ${ttlMs}; give whole milliseconds from 1 on`);
}

/** Deletes what has expired, so that it takes no room. Readers do not wait for it. */
export interface Expiry {
  /** Deletes what is due. */
  sweep(): Promise<void>;
}

export function createExpiry({ replica, clock, writer }: { readonly replica: Replica; readonly clock: Clock; readonly writer: string }): Expiry {
  const queue = createExpiryQueue();
  const learn = (reading: Reading | undefined) => {
    if (reading === undefined || reading.key.startsWith(RESERVED) || isTombstone(reading.version)) return;
    const { expiresAt, replica: id } = reading.version;
    if (expiresAt !== undefined) queue.set(reading.key, expiresAt + (id === replica.state.replica ? 0 : GRACE_MS));
  };
  const isOver = (state: BoardState, reading: Reading, nowMs: number) => {
    // A concurrent value that stays longer is not deleted with one that does not.
    const gone = ({ expiresAt }: Version) => expiresAt !== undefined && expiresAt <= nowMs;
    return familyOf(reading.version) === 'register'
      ? state.versionsOf(reading.key).every((version) => isTombstone(version) || gone(version))
      : isExpired(reading, nowMs);
  };
  for (const reading of replica.state.list('')) learn(reading);
  replica.onDurable((changes) => {
    for (const { after } of changes) learn(after);
  });
  return {
    async sweep() {
      const nowMs = clock.now();
      for (let key = queue.takeDue(nowMs); key !== undefined; key = queue.takeDue(nowMs)) {
        const due = key;
        const expire = (state: BoardState) => {
          const reading = state.read(due);
          if (reading === undefined || !isOver(state, reading, nowMs)) return undefined;
          return state.delete(due, { time: replica.time.next(), writer });
        };
        try {
          await replica.write(due, expire);
        } catch (error) {
          queue.set(due, nowMs);
          throw error;
        }
      }
    },
  };
}
