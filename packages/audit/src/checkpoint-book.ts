import type { Journal, JsonObject, StoredValue } from '@meshwork/core';
import { readCheckpointNote, type SignedCheckpoint } from './checkpoint.ts';
import type { KeyRing } from './key-ring.ts';

/**
 * The checkpoints a log has signed, kept in a stream of the journal beside the log's own, which all its hubs write to. Anybody who can write the store
 * can add lines: only what a ring of keys says is signed counts.
 */
export interface CheckpointBook {
  /** Looks what has come. Resolves to where the book ends now: what `add` may expect. */
  refresh(): Promise<number>;
  /** As of the last `refresh`, whoever signed them. */
  rotations(): readonly SignedCheckpoint[];
  anchors(): readonly SignedCheckpoint[];
  /** Adds them behind the end that was seen. @throws {ConflictError} when another hub has added something since. */
  add(checkpoints: readonly SignedCheckpoint[], expected: number): Promise<void>;
  /** What stands in it for this log, oldest first. */
  read(): AsyncIterable<SignedCheckpoint>;
  /** The newest that counts, anchors left out: they say nothing of the log's end. */
  newest(ring: KeyRing): Promise<SignedCheckpoint | undefined>;
  /** Drops those that came before this one, but for rotations. */
  forget(before: SignedCheckpoint): Promise<void>;
}

const PAGE = 50;

export function createCheckpointBook(journal: Journal, stream: string): CheckpointBook {
  const own = `${stream}/checkpoints`;
  let seen = 0;
  const rotations = new Map<string, SignedCheckpoint>();
  const anchors = new Map<string, SignedCheckpoint>();
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

  return {
    async refresh() {
      const end = await journal.head(own);
      if (end <= seen) return end;
      for await (const { offset, value } of journal.read(own, { from: seen + 1 })) {
        seen = Math.max(seen, offset);
        const checkpoint = parse(value);
        if (checkpoint?.rotation !== undefined) rotations.set(checkpoint.note, checkpoint);
        else if (checkpoint?.isAnchor) anchors.set(checkpoint.note, checkpoint);
      }
      return end;
    },
    rotations: () => [...rotations.values()],
    anchors: () => [...anchors.values()],
    async add(checkpoints, expected) {
      await journal.append(
        own,
        checkpoints.map(({ note }) => ({ note })),
        { expected },
      );
    },
    async *read() {
      for await (const { value } of journal.read(own)) {
        const checkpoint = parse(value);
        if (checkpoint !== undefined) yield checkpoint;
      }
    },
    async newest(ring) {
      for (let end = await journal.head(own); end > 0; end -= PAGE) {
        let found: SignedCheckpoint | undefined;
        const from = Math.max(1, end - PAGE + 1);
        for await (const { offset, value } of journal.read(own, { from, limit: end - from + 1 })) {
          // A trimmed stream begins later than asked.
          if (offset > end) return undefined;
          const checkpoint = parse(value);
          // A rotation that `forget` has kept stands behind later ones.
          if (checkpoint !== undefined && !checkpoint.isAnchor && checkpoint.size >= (found?.size ?? 0) && ring.isSigned(checkpoint.note)) found = checkpoint;
        }
        if (found !== undefined) return found;
      }
      return undefined;
    },
    async forget(before) {
      const kept = new Map<string, SignedCheckpoint>();
      for await (const { offset, value } of journal.read(own)) {
        const checkpoint = parse(value);
        if (checkpoint?.note === before.note) {
          if (kept.size > 0)
            await journal.append(
              own,
              [...kept.keys()].map((note) => ({ note })),
            );
          await journal.trim(own, offset);
          return;
        }
        if (checkpoint?.rotation !== undefined) kept.set(checkpoint.note, checkpoint);
      }
    },
  };
}
