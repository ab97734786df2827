import type { Journal, JsonObject, StoredValue } from '@meshwork/core';
import { openCheckpoint, readCheckpointNote, type SignedCheckpoint } from './checkpoint.ts';

/** The checkpoints a log has signed, kept in a stream of the journal beside the log's own. */
export interface CheckpointBook {
  add(checkpoint: SignedCheckpoint): Promise<void>;
  /** What stands in it for this log, oldest first. Anybody who can write the store can add lines: only `isSigned` says what counts. */
  read(): AsyncIterable<SignedCheckpoint>;
  /** Whether one of these keys has signed it. It costs a tenth of a millisecond. */
  isSigned(checkpoint: SignedCheckpoint, keys: readonly string[]): boolean;
  /** The anchors that one of these keys has signed. */
  anchors(keys: readonly string[]): Promise<readonly SignedCheckpoint[]>;
  /** The newest one of these keys, anchors left out: they say nothing of the log's end. */
  newest(keys: readonly string[]): Promise<SignedCheckpoint | undefined>;
  /** Drops those that came before this one. */
  forget(before: SignedCheckpoint): Promise<void>;
}

const PAGE = 50;

export function createCheckpointBook(journal: Journal, stream: string): CheckpointBook {
  const own = `${stream}/checkpoints`;
  const parse = (value: StoredValue): SignedCheckpoint | undefined => {
    const note = (value as JsonObject | null)?.note;
    if (typeof note !== 'string') return undefined;
    try {
      const checkpoint = readCheckpointNote(note);
      return checkpoint.stream === stream ? checkpoint : undefined;
    } catch {
      return undefined;
    }
  };
  const isSigned = ({ note }: SignedCheckpoint, keys: readonly string[]) => {
    try {
      openCheckpoint(note, keys);
      return true;
    } catch {
      return false;
    }
  };
  async function* read() {
    for await (const { value } of journal.read(own)) {
      const checkpoint = parse(value);
      if (checkpoint !== undefined) yield checkpoint;
    }
  }

  return {
    async add(checkpoint) {
      await journal.append(own, [{ note: checkpoint.note }]);
    },
    read,
    isSigned,
    async anchors(keys) {
      const found: SignedCheckpoint[] = [];
      for await (const checkpoint of read()) if (checkpoint.isAnchor && isSigned(checkpoint, keys)) found.push(checkpoint);
      return found;
    },
    async newest(keys) {
      for (let end = await journal.head(own); end > 0; end -= PAGE) {
        let found: SignedCheckpoint | undefined;
        const from = Math.max(1, end - PAGE + 1);
        for await (const { offset, value } of journal.read(own, { from, limit: end - from + 1 })) {
          // A trimmed stream begins later than asked.
          if (offset > end) return undefined;
          const checkpoint = parse(value);
          if (checkpoint !== undefined && !checkpoint.isAnchor && isSigned(checkpoint, keys)) found = checkpoint;
        }
        if (found !== undefined) return found;
      }
      return undefined;
    },
    async forget(before) {
      for await (const { offset, value } of journal.read(own)) {
        if ((value as JsonObject | null)?.note !== before.note) continue;
        await journal.trim(own, offset);
        return;
      }
    },
  };
}
