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
  /** Nobody else writes to the stream, and what the journal has refused does not land later. */
  readonly isExclusive?: boolean;
  /** Milliseconds the journal has to answer. */
  readonly patienceMs: number;
  /** Records that wait for the journal, at most. */
  readonly maxWaiting: number;
  /** Told when the journal has fallen silent, and when it answers again. */
  readonly onSilence?: (isSilent: boolean) => void;
  /** Told once when an exclusive writer meets another. */
  readonly onError?: (error: unknown) => void;
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
  /** The end of the journal it expects. */
  readonly from: Tip;
  /** When it was sent, that end was not in the journal yet, as far as was known. */
  readonly isSpeculative: boolean;
  isGivenUp: boolean;
}

const MAX_BATCH = 500;
const LONGEST_WAIT_MS = 1;

/**
 * Records of one turn go out together. Each append expects the end of the journal that its records are chained to, so that one which comes behind
 * another writer's is refused, and is chained to that one's and tried again.
 *
 * An end of the journal says how many records there are and not which. So an append may be chained only to what is known to be in the journal: the
 * next waits for the one before. A writer that is alone need not wait, for only its own records can be in between: the next are chained to those on
 * their way, so that the journal can put many into one durable write. If one of them fails, so do those after it.
 *
 * A journal that does not answer in time is silent: what waits for it is refused, and so is all that comes, at once, until any of its answers
 * arrives, be it late. An append that was given up may still land. If it was chained to what was known, the chain holds whatever comes first. If it was
 * chained to one on its way, another in that one's place would let it in where it does not belong: nothing is written until it is answered.
 */
export function createChainWriter(options: ChainWriterOptions): ChainWriter {
  const { journal, stream, isExclusive = false, patienceMs, maxWaiting, onSilence = () => {}, onError = () => {} } = options;
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
  let isAlone = isExclusive;
  /** Given up and not answered: they may land while the journal ends where they expect it to. */
  let loose: Batch[] = [];
  /** How many records the journal has had for sure. */
  let confirmed = 0;
  /** Since the end of the journal was last read: the least end that an append expected in vain, and whether one that was given up can be why. */
  let met = { from: Number.POSITIVE_INFINITY, own: false };

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
  const mayPipeline = () => isAlone && loose.length === 0;
  /** The journal has so many records: what expected fewer cannot land any more. */
  const confirm = (offset: number) => {
    confirmed = Math.max(confirmed, offset);
    if (loose.length > 0) loose = loose.filter(({ from }) => from.offset >= offset);
  };
  /** Whether something given up could land behind records that it is not chained to. */
  const isOwed = (end?: Tip) =>
    loose.some(({ isSpeculative, from }) => isSpeculative && (end === undefined || from.offset !== end.offset || from.hash !== end.hash));
  const heard = () => setSilent(isOwed());
  const answered = (batch: Batch) => {
    if (batch.isGivenUp) {
      loose = loose.filter((each) => each !== batch);
      met.own = true;
    }
    heard();
  };
  const fallSilent = () => {
    setSilent(true);
    tip = undefined;
    met.own = true;
    for (const batch of underWay.members()) {
      batch.isGivenUp = true;
      loose.push(batch);
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
  /** `undefined`: it is not known in time, or nothing may be written behind it yet. */
  const readTipInTime = async (): Promise<Tip | undefined> => {
    const reading = readTip(journal, stream).then(
      (end) => {
        confirm(end.offset);
        const mustWait = isOwed(end);
        setSilent(mustWait);
        return mustWait ? undefined : end;
      },
      (error: unknown) => {
        heard();
        throw error;
      },
    );
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
    const batch: Batch = { place: -1, waiting: records, since: performance.now(), from, isSpeculative: underWay.size > 0, isGivenUp: false };
    journal.append(stream, links, { expected: from.offset }).then(
      () => {
        confirm(from.offset + records.length);
        answered(batch);
        if (batch.isGivenUp) tip = undefined;
        else {
          for (const { resolve } of records) resolve();
          ended(batch);
        }
      },
      (cause) => {
        answered(batch);
        tip = undefined;
        if (batch.isGivenUp) return;
        if (cause instanceof ConflictError) {
          if (loose.length > 0) met.own = true;
          met.from = Math.min(met.from, from.offset);
          // Nothing was appended.
          retry(records);
        } else refuse(records, cause);
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
  /** To be asked when nothing is under way: then it is known how all that was sent has ended. */
  const lookForStrangers = () => {
    if (isAlone && met.from <= confirmed && !met.own) {
      isAlone = false;
      onError(
        new ConflictError(
          `somebody else writes to the audit stream ${JSON.stringify(stream)}, which this hub was told is its own: verify the log, for the chain may be broken there; ` +
            'leave isExclusive away where several hubs share a stream',
        ),
      );
    }
    met = { from: Number.POSITIVE_INFINITY, own: false };
  };
  const pump = async () => {
    while (waiting.length > 0 || again.length > 0) {
      await gather();
      // What the journal holds is known only when nothing is under way any more.
      if (tip === undefined || !mayPipeline()) await idle();
      if (tip === undefined) {
        lookForStrangers();
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
      if (waiting.length === 0) continue;
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
