import { type Journal, MeshworkError, pause, type StoredValue, UnavailableError } from '@meshwork/core';
import { encodeRecord } from './record.ts';

/** Milliseconds between attempts to find out what came of an append. */
const RETRY_MS = { first: 20, most: 2_000 };

/** A stream that one process alone appends to, and that knows of each append whether it happened. */
export interface BoardLog {
  /** The offset of the last record. */
  readonly head: number;
  /** Bytes of the records that are kept, about. */
  readonly bytes: number;
  /**
   * Appends, in one piece; one call at a time. It does not give up: when the store fails, `onTrouble` is told, and it goes on until it knows that the records are there.
   * @throws {UnavailableError} when somebody else appends to the stream, or it is closed before it knows.
   */
  append(records: readonly Uint8Array[], onTrouble?: (error: unknown) => void): Promise<void>;
  /** Drops what stands before `before`. `bytes` is what is left. */
  trim(before: number, bytes: number): Promise<void>;
}

export interface BoardLogOptions {
  readonly journal: Journal;
  readonly stream: string;
  /** Where the stream ends, and how much is in it. */
  readonly head: number;
  readonly bytes: number;
  /** Closes it. */
  readonly signal: AbortSignal;
}

export function createBoardLog({ journal, stream, signal, ...present }: BoardLogOptions): BoardLog {
  let { head, bytes } = present;
  const [barrier = new Uint8Array()] = encodeRecord({ type: 'nothing' });

  /** How many records stand behind `head`: none, or all of these and barriers. */
  const look = async (records: readonly Uint8Array[]): Promise<number> => {
    const end = await journal.head(stream);
    if (end === head) return 0;
    let found = 0;
    for await (const { offset, value } of journal.read(stream, { from: head + 1 })) {
      if (offset !== head + 1 + found || !isEqual(value, records[found] ?? barrier)) throw takenOver(stream);
      found++;
    }
    if (found < records.length) throw takenOver(stream);
    return found;
  };
  const isTakenOver = async (records: readonly Uint8Array[]): Promise<boolean> => {
    try {
      await look(records);
      return false;
    } catch (error) {
      return error instanceof TakenOver;
    }
  };
  const settle = async (records: readonly Uint8Array[]): Promise<void> => {
    for (let waitMs = RETRY_MS.first; ; waitMs = Math.min(waitMs * 2, RETRY_MS.most)) {
      await pause(waitMs, signal);
      if (signal.aborted) throw new UnavailableError(`closed before the store had answered for ${JSON.stringify(stream)}; look again once it is open`);
      try {
        const found = await look(records);
        if (found === 0) {
          await journal.append(stream, records, { expected: head });
          head += records.length;
        } else {
          // That it can be read does not say that it survives a crash. That something behind it was acknowledged does.
          await journal.append(stream, [barrier], { expected: head + found });
          head += found + 1;
        }
        return;
      } catch (error) {
        if (error instanceof TakenOver) throw error;
      }
    }
  };

  return {
    get head() {
      return head;
    },
    get bytes() {
      return bytes;
    },
    async append(records, onTrouble) {
      try {
        await journal.append(stream, records, { expected: head });
        head += records.length;
      } catch (error) {
        const code = MeshworkError.isInstance(error) ? error.code : undefined;
        if (code === 'CLOSED') throw error;
        if (code === 'CONFLICT' && (await isTakenOver(records))) throw takenOver(stream);
        onTrouble?.(error);
        await settle(records);
      }
      for (const record of records) bytes += record.length;
    },
    async trim(before, left) {
      await journal.trim(stream, before);
      bytes = left;
    },
  };
}

class TakenOver extends UnavailableError {}

function takenOver(stream: string): TakenOver {
  return new TakenOver(`another process has opened ${JSON.stringify(stream)}, and this one keeps nothing any more: close it`);
}

function isEqual(one: StoredValue, other: Uint8Array): boolean {
  return one instanceof Uint8Array && one.length === other.length && one.every((byte, at) => byte === other[at]);
}
