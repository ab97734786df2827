import { type Journal, UnavailableError } from '@meshwork/core';
import { encodeLink, GENESIS, linkHash, linkIn } from './chain.ts';
import type { AuditRecord } from './record.ts';

/** Writes records to the chain, in the order they come. */
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

interface Tip {
  readonly offset: number;
  readonly hash: string;
}

const MAX_BATCH = 500;
const LONGEST_WAIT_MS = 1;

/**
 * One writer a stream: records of one turn go out together, and the next are chained to them before they are on disk, so that the journal
 * can put many into one durable write. Each append expects the one before: when one fails, so do those after it, and the writer looks at
 * the journal again before it goes on. The same finds a second writer, whose records would fork the chain.
 */
export function createChainWriter(journal: Journal, stream: string): ChainWriter {
  let waiting: Waiting[] = [];
  /** Where the chain ends once all that is under way is written. */
  let tip: Tip | undefined;
  /** Counted and not listed: a `Set` that changes with every append links its old tables to the new, and a young collection frees none of them. */
  let underWay = 0;
  let idlers: (() => void)[] = [];
  let pumping: Promise<void> | undefined;

  /** A batch waits while the records of other calls keep coming, and never long: fewer, larger appends serve everybody sooner. */
  const gather = async () => {
    const since = performance.now();
    for (let seen = 0; waiting.length > seen && performance.now() - since < LONGEST_WAIT_MS; ) {
      seen = waiting.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const idle = () =>
    new Promise<void>((resolve) => {
      if (underWay === 0) resolve();
      else idlers.push(resolve);
    });
  const ended = () => {
    underWay -= 1;
    if (underWay > 0) return;
    for (const wake of idlers) wake();
    idlers = [];
  };
  const readTip = async (): Promise<Tip> => {
    const offset = await journal.head(stream);
    if (offset === 0) return { offset, hash: GENESIS };
    for await (const record of journal.read(stream, { from: offset, limit: 1 })) {
      const link = linkIn(record);
      if (link !== undefined) return { offset, hash: link.hash };
    }
    throw new Error(`the end of the audit stream ${JSON.stringify(stream)} cannot be read; verify it before going on`);
  };
  const refuse = (batch: readonly Waiting[], cause: unknown) => {
    const error = new UnavailableError('the call could not be recorded, so its result is withheld; try again when the audit store works', { cause });
    for (const { reject } of batch) reject(error);
  };
  const write = (batch: readonly Waiting[], from: Tip): Tip => {
    let { offset, hash } = from;
    const links = batch.map(({ record }) => {
      offset += 1;
      const line = `{"seq":${offset},${JSON.stringify(record).slice(1)}`;
      hash = linkHash(hash, line);
      return encodeLink({ line, hash });
    });
    journal.append(stream, links, { expected: from.offset }).then(
      () => {
        for (const { resolve } of batch) resolve();
        ended();
      },
      (cause) => {
        tip = undefined;
        refuse(batch, cause);
        ended();
      },
    );
    underWay += 1;
    return { offset, hash };
  };
  const pump = async () => {
    while (waiting.length > 0) {
      await gather();
      if (tip === undefined) {
        // What the journal holds is known only when nothing is under way any more.
        await idle();
        try {
          tip = await readTip();
        } catch (cause) {
          refuse(waiting.splice(0), cause);
          continue;
        }
      }
      const batch = waiting.slice(0, MAX_BATCH);
      waiting = waiting.slice(MAX_BATCH);
      try {
        tip = write(batch, tip);
      } catch (cause) {
        refuse(batch, cause);
      }
    }
    // Not later: a record that comes between the last look and this line would wait for nobody.
    pumping = undefined;
  };

  return {
    append(record) {
      return new Promise((resolve, reject) => {
        waiting.push({ record, resolve, reject });
        pumping ??= pump();
      });
    },
    async settle() {
      while (pumping !== undefined || underWay > 0) await (pumping ?? idle());
    },
  };
}
