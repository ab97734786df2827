import { type Journal, type JsonObject, UnavailableError } from '@meshwork/core';
import { GENESIS, linkHash, linkIn } from './chain.ts';
import type { AuditRecord } from './record.ts';

/** Writes records to the chain, one batch at a time. */
export interface ChainWriter {
  /** Resolves when the record is in the journal. @throws {UnavailableError} when it could not be written. */
  append(record: AuditRecord): Promise<void>;
  /** Waits for what is under way. */
  settle(): Promise<void>;
}

interface Waiting {
  readonly record: AuditRecord;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const MAX_BATCH = 500;

/**
 * One writer a stream: records that come while an append is under way go out together in the next, so that the chain costs one durable
 * write for many records. The journal's `expected` finds a second writer, whose records would fork the chain.
 */
export function createChainWriter(journal: Journal, stream: string): ChainWriter {
  let waiting: Waiting[] = [];
  let tip: { readonly offset: number; readonly hash: string } | undefined;
  let draining: Promise<void> | undefined;

  const readTip = async () => {
    const offset = await journal.head(stream);
    if (offset === 0) return { offset, hash: GENESIS };
    for await (const record of journal.read(stream, { from: offset, limit: 1 })) {
      const link = linkIn(record);
      if (link !== undefined) return { offset, hash: link.hash };
    }
    throw new UnavailableError(`the end of the audit stream ${JSON.stringify(stream)} cannot be read; verify it before going on`);
  };
  const writeBatch = async (batch: readonly Waiting[]) => {
    tip ??= await readTip();
    let { hash } = tip;
    const links = batch.map(({ record }, index): JsonObject => {
      const line = JSON.stringify({ seq: (tip?.offset ?? 0) + 1 + index, ...record });
      hash = linkHash(hash, line);
      return { line, hash };
    });
    const offsets = await journal.append(stream, links, { expected: tip.offset });
    tip = { offset: offsets.at(-1) ?? tip.offset, hash };
  };
  const drain = async () => {
    // Let the other calls of this turn join the batch.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH);
      waiting = waiting.slice(MAX_BATCH);
      try {
        await writeBatch(batch);
        for (const { resolve } of batch) resolve();
      } catch (cause) {
        // What the journal holds now is not known here: the next batch looks again.
        tip = undefined;
        const error = new UnavailableError('the call could not be recorded, so its result is withheld; try again when the audit store works', { cause });
        for (const { reject } of batch) reject(error);
      }
    }
    draining = undefined;
  };

  return {
    append(record) {
      return new Promise((resolve, reject) => {
        waiting.push({ record, resolve, reject });
        draining ??= drain();
      });
    },
    async settle() {
      await draining;
    },
  };
}
