import { ConflictError, createRoster, type Enrolled, type Journal, UnavailableError } from '@meshwork/core';
import { encodeLink, linkHash } from './chain.ts';
import { readTip, type Tip } from './chain-tip.ts';
import type { AuditRecord } from './record.ts';

/** Writes records to the chain, in the order they come. */
export interface ChainWriter {
  /** Resolves when the record is in the journal. @throws {UnavailableError} when it could not be written, or not in time. */
  append(record: AuditRecord): Promise<void>;
  /** To be asked before there is anything to record. @throws {UnavailableError} when it is known that it could not be written. */
  refuseInVain(): void;
  /** Waits for what is under way, which the journal answers in time or not at all. */
  settle(): Promise<void>;
}

export interface ChainWriterOptions {
  readonly journal: Journal;
  readonly stream: string;
  /** Whether other hubs write to the stream too. */
  readonly isShared?: boolean;
  /** Milliseconds the journal has to answer. */
  readonly patienceMs: number;
  /** Records that wait for the journal, at most. */
  readonly maxWaiting: number;
  /** Told when the journal has fallen silent, and when it answers again. */
  readonly onSilence?: (isSilent: boolean) => void;
}

interface Waiting {
  readonly record: AuditRecord;
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Records of one append that the journal has not answered. */
interface Batch extends Enrolled {
  readonly waiting: readonly Waiting[];
  readonly since: number;
  isGivenUp: boolean;
}

const MAX_BATCH = 500;
const LONGEST_WAIT_MS = 1;

/**
 * One writer a stream: records of one turn go out together, and the next are chained to them before they are on disk, so that the journal
 * can put many into one durable write. Each append expects the one before: when one fails, so do those after it, and the writer looks at
 * the journal again before it goes on. The same finds a second writer, whose records would fork the chain; where the stream is shared, what
 * another was quicker than is chained to its records and tried again.
 *
 * A journal that does not answer in time is silent: what waits for it is refused, and so is all that comes, at once, until any of its answers
 * arrives, be it late. An append that was given up may still land; then the next one expects another end of the stream and is refused, or it
 * lands too late itself and the journal refuses it. The chain holds either way.
 */
export function createChainWriter({ journal, stream, isShared = false, patienceMs, maxWaiting, onSilence = () => {} }: ChainWriterOptions): ChainWriter {
  let waiting: Waiting[] = [];
  /** What another writer was quicker than, in its order; before all that waits. */
  const again: Waiting[] = [];
  /** Where the chain ends once all that is under way is written. */
  let tip: Tip | undefined;
  const underWay = createRoster<Batch>();
  let recordsUnderWay = 0;
  let idlers: (() => void)[] = [];
  let pumping: Promise<void> | undefined;
  let isSilent = false;
  let isProbing = false;
  let watch: ReturnType<typeof setTimeout> | undefined;

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
      if (underWay.size === 0) resolve();
      else idlers.push(resolve);
    });
  const ended = (batch: Batch) => {
    underWay.delete(batch);
    recordsUnderWay -= batch.waiting.length;
    if (underWay.size > 0) return;
    for (const wake of idlers) wake();
    idlers = [];
  };
  const refuse = (refused: readonly Waiting[], cause: unknown) => {
    const error = new UnavailableError('the call could not be recorded, so its result is withheld; try again when the audit store works', { cause });
    for (const { reject } of refused) reject(error);
  };
  const silence = () => new UnavailableError(`the audit store has not answered for ${patienceMs / 1_000} seconds; try again when it works`);

  const setSilent = (now: boolean) => {
    if (isSilent === now) return;
    isSilent = now;
    onSilence(now);
  };
  const fallSilent = () => {
    setSilent(true);
    tip = undefined;
    for (const batch of underWay.members()) {
      batch.isGivenUp = true;
      ended(batch);
      refuse(batch.waiting, silence());
    }
    refuse([...again.splice(0), ...waiting.splice(0)], silence());
  };
  /** One timer for all: an append that is answered in time has none of its own. */
  const watchOver = () => {
    if (watch !== undefined) return;
    watch = setTimeout(() => {
      watch = undefined;
      const now = performance.now();
      if (underWay.members().some(({ since }) => now - since >= patienceMs)) fallSilent();
      else if (underWay.size > 0) watchOver();
    }, patienceMs / 4).unref();
  };
  const readTipInTime = async (): Promise<Tip | undefined> => {
    const reading = readTip(journal, stream).finally(() => {
      setSilent(false);
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, patienceMs, undefined);
    });
    try {
      return await Promise.race([reading, late]);
    } finally {
      clearTimeout(timer);
    }
  };
  /** Whoever comes while the journal is silent has it asked whether it still is. */
  const probe = () => {
    if (isProbing) return;
    isProbing = true;
    const over = () => {
      isProbing = false;
    };
    readTipInTime().then(over, over);
  };

  const write = (records: readonly Waiting[], from: Tip): Tip => {
    let { offset, hash } = from;
    const links = records.map(({ record }) => {
      offset += 1;
      const line = `{"seq":${offset},${JSON.stringify(record).slice(1)}`;
      hash = linkHash(hash, line);
      return encodeLink({ line, hash });
    });
    const batch: Batch = { place: -1, waiting: records, since: performance.now(), isGivenUp: false };
    journal.append(stream, links, { expected: from.offset }).then(
      () => {
        setSilent(false);
        if (batch.isGivenUp) tip = undefined;
        else {
          for (const { resolve } of records) resolve();
          ended(batch);
        }
      },
      (cause) => {
        setSilent(false);
        tip = undefined;
        if (batch.isGivenUp) return;
        // A conflict says that nothing was appended.
        if (isShared && cause instanceof ConflictError) retry(records);
        else refuse(records, cause);
        ended(batch);
      },
    );
    underWay.add(batch);
    recordsUnderWay += records.length;
    watchOver();
    return { offset, hash };
  };
  const retry = (records: readonly Waiting[]) => {
    const now = performance.now();
    again.push(...records.filter(({ since }) => now - since < patienceMs));
    refuse(
      records.filter(({ since }) => now - since >= patienceMs),
      new UnavailableError('other hubs write to the audit stream all the time'),
    );
    if (again.length > 0) pumping ??= pump();
  };
  const pump = async () => {
    while (waiting.length > 0 || again.length > 0) {
      await gather();
      if (tip === undefined) {
        // What the journal holds is known only when nothing is under way any more.
        await idle();
        waiting = [...again.splice(0), ...waiting];
        if (waiting.length === 0) break;
        try {
          tip = await readTipInTime();
          if (tip === undefined) fallSilent();
        } catch (cause) {
          refuse(waiting.splice(0), cause);
        }
        if (tip === undefined) continue;
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
  const refuseInVain = () => {
    if (isSilent) {
      probe();
      throw silence();
    }
    if (waiting.length + again.length + recordsUnderWay >= maxWaiting)
      throw new UnavailableError(`${maxWaiting} records wait for the audit store, as many as may; try again in a few seconds`);
  };

  return {
    append(record) {
      return new Promise((resolve, reject) => {
        refuseInVain();
        waiting.push({ record, since: performance.now(), resolve, reject });
        pumping ??= pump();
      });
    },
    refuseInVain,
    async settle() {
      while (pumping !== undefined || underWay.size > 0) await (pumping ?? idle());
    },
  };
}
