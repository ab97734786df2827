import {
  type CallResult,
  type Clock,
  createTeller,
  type Ended,
  InvalidInputError,
  type Journal,
  type KeyValueStore,
  type Listenable,
  type Module,
  type Stage,
  systemClock,
} from '@meshwork/core';
import type { AuditEvents } from './audit-events.ts';
import { createAuditTools } from './audit-tools.ts';
import { type ChainNotes, type ChainPage, readChainPage } from './chain-lines.ts';
import type { ChainProblem } from './chain-walk.ts';
import { createChainWriter } from './chain-writer.ts';
import type { Checkpoint, SignedCheckpoint } from './checkpoint.ts';
import { createCheckpointBook } from './checkpoint-book.ts';
import { createDoorBook, type DoorBook } from './door-book.ts';
import { type ExportFormat, headerOf, lineOf } from './export-lines.ts';
import { createNotary, type Rotated, type RotateOptions } from './notary.ts';
import type { CheckpointPlace } from './places.ts';
import { digestOf, recordOf } from './record.ts';
import { type Retention, type Trimmed, trimChain } from './retention.ts';
import { type AuditFilter, type NumberedRecord, searchAll, searchNewest } from './search.ts';
import { createSegmentIndex } from './segment-index.ts';
import type { GivenSigner } from './signer-source.ts';
import { createUpkeep } from './upkeep.ts';
import { type Verification, type VerifyOptions, verifyChain } from './verify-chain.ts';

export interface AuditOptions {
  /** Where the chain is kept. Several hubs may write to one stream: their records are one chain. */
  readonly journal: Journal;
  /** Default `audit`. Signed checkpoints are kept beside it, in the stream of this name with `/checkpoints` behind it. */
  readonly stream?: string;
  /**
   * Nobody else ever writes to the stream, and what the journal has refused does not land later: true of a store that one process has to itself, such as
   * SQLite or memory. Then appends need not wait for each other. If somebody writes there all the same the chain may break, which `verify` finds and
   * `onError` is told. Default false.
   */
  readonly isExclusive?: boolean;
  readonly clock?: Clock;
  /**
   * Milliseconds the journal has to answer. When it takes longer, what waits for it is refused, and new calls are before they run, until it
   * answers again. Default 5,000.
   */
  readonly patienceMs?: number;
  /** Records that may wait for the journal at once; calls beyond that are refused before they run. Default 20,000. */
  readonly maxWaiting?: number;
  /** Signs checkpoints. Default: they are not signed. */
  readonly checkpoints?: CheckpointOptions;
  /** How much is kept; needs `checkpoints`. Default: everything. */
  readonly retention?: Retention;
  /** Where summaries of the log are kept, for searches that need not read it all. Default: searches read it all. */
  readonly index?: KeyValueStore;
  /** Told of what fails in the background: a place that does not take a checkpoint, a trim of a log that does not hold. */
  readonly onError?: (error: unknown) => void;
}

export interface CheckpointOptions {
  /** Who signs: all hubs of a log with the same key. A function is asked once, when there is first something to sign; a keeper can replace its key. */
  readonly signer: GivenSigner;
  /** Milliseconds from one to the next; then the log is also trimmed, and its index brought up to date. Default: on demand only. */
  readonly everyMs?: number;
  /** Where each is brought to. With places, nothing is trimmed that not all of them have a checkpoint of. */
  readonly places?: readonly CheckpointPlace[];
}

/** The module, and what an application uses of it directly. */
export interface AuditLog extends Module {
  readonly events: Listenable<AuditEvents>;
  /** The stream it is kept in. */
  readonly stream: string;
  /** Records what transports refuse before it is a call, in the same chain: for their `recorder`. */
  readonly door: DoorBook;
  /**
   * Checks every link; with checkpoints, also that the chain still contains them. The newest one the log has signed itself is always among them.
   * `from`, a trusted checkpoint, starts behind it: for a stream that somebody else trimmed.
   */
  verify(options?: VerifyOptions): Promise<Verification>;
  /** The chain's present size and end, to be kept elsewhere; signed, where there is a signer. */
  checkpoint(): Promise<Checkpoint>;
  /** The public key that signed checkpoints are checked with; `undefined` without a signer. */
  publicKey(): Promise<string | undefined>;
  /** Takes a signed checkpoint and brings it to every place; says how many have it. @throws {InvalidInputError} without a signer. */
  exportCheckpoint(): Promise<{ readonly checkpoint: SignedCheckpoint; readonly places: number }>;
  /**
   * Another key signs from now on: the old one vouches for it, unless it is compromised. The change is brought to every place. @throws
   * {InvalidInputError} without a signer, or when the hub can make no key and was given none.
   */
  rotateKey(options?: RotateOptions): Promise<Rotated>;
  /** Drops what the retention lets go, now. @throws {InvalidInputError} without a signer, {@link UnavailableError} when the log does not hold. */
  trim(): Promise<Trimmed>;
  /** What happens at each interval, now: a checkpoint, its export, the trim, the index. */
  upkeep(): Promise<void>;
  /** The newest matching records first. */
  list(filter?: AuditFilter): Promise<readonly NumberedRecord[]>;
  /** Every matching record, oldest first. @throws {InvalidInputError} when a time is none. */
  records(filter?: Omit<AuditFilter, 'limit'>): AsyncIterable<NumberedRecord>;
  /** Every matching record as text, oldest first, a line at a time. */
  export(options: Omit<AuditFilter, 'limit'> & { readonly format: ExportFormat }): AsyncIterable<string>;
  /** The whole log as lines for `verifyExport`, many at a time. */
  exportChain(): AsyncIterable<string>;
}

const CHAIN_PAGE = 1_000;

/** A record of every call, written before the call's result leaves the hub, in a chain in which any change shows. */
export function audit(options: AuditOptions): AuditLog {
  const { journal, stream = 'audit', isExclusive = false, clock = systemClock, patienceMs = 5_000, maxWaiting = 20_000 } = options;
  const { checkpoints, retention, onError = () => {} } = options;
  if (retention !== undefined && checkpoints === undefined)
    throw new TypeError('audit({ retention }) needs checkpoints: only what a signed one covers may be trimmed');
  const { events, tell } = createTeller<AuditEvents>(onError);
  let silentSince = 0;
  const onSilence = (isSilent: boolean) => {
    if (isSilent) silentSince = performance.now();
    if (isSilent) tell('journal-silent', { patienceMs });
    else tell('journal-answers', { silentMs: Math.round(performance.now() - silentSince) });
  };
  const onProblem = ({ offset, kind, message }: ChainProblem) => tell('tamper-found', { offset, kind, message });
  const writer = createChainWriter({ journal, stream, isExclusive, patienceMs, maxWaiting, onSilence, onError });
  const door = createDoorBook({ writer, clock });
  const book = createCheckpointBook(journal, stream);
  const notary = createNotary({
    journal,
    stream,
    clock,
    book,
    signer: checkpoints?.signer,
    places: checkpoints?.places ?? [],
    onError,
    onSigned: ({ size, hash, time }) => tell('checkpoint-signed', { size, hash, time }),
    onFork: (offset, message) => tell('tamper-found', { offset, kind: 'forked', message }),
  });
  const index = options.index === undefined ? undefined : createSegmentIndex({ store: options.index, journal, stream });
  const searched = { journal, stream, index };

  const notesOf = async (): Promise<ChainNotes> => {
    if (checkpoints === undefined) return { anchors: [], rotations: [] };
    const { ring } = await notary.standing();
    return { anchors: book.anchors().filter(({ note }) => ring.isSigned(note)), rotations: ring.rotations };
  };
  const verify: AuditLog['verify'] = async (given = {}) => {
    try {
      const verification = await verifyLog(given);
      if (verification.problem !== undefined) onProblem(verification.problem);
      return verification;
    } catch (error) {
      // A checkpoint that is none of this log's is the mistake of whoever brought it; who gave up knows it.
      const isTheirs = error instanceof InvalidInputError || given.signal?.aborted === true;
      if (!isTheirs) tell('verification-failed', { message: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  };
  const verifyLog = async (given: VerifyOptions): Promise<Verification> => {
    if (checkpoints === undefined) return verifyChain(journal, stream, given);
    const own = await notary.newest();
    const useful = own !== undefined && own.size >= (given.from?.size ?? 0);
    const anchors = async () => (await notesOf()).anchors;
    return verifyChain(journal, stream, { ...given, checkpoints: [...(given.checkpoints ?? []), ...(useful ? [own] : [])] }, { anchors });
  };
  const list = (filter: AuditFilter = {}) => searchNewest(searched, filter);
  const chainPage = (after: number | undefined, limit: number): Promise<ChainPage> =>
    readChainPage(journal, stream, { limit, notes: notesOf, ...(after !== undefined && { after }) });
  const rotateKey = async (rotating: RotateOptions = {}) => {
    const rotated = await notary.rotate(rotating);
    await notary.export();
    return rotated;
  };
  const trim = async (signal?: AbortSignal): Promise<Trimmed> => {
    const trimmed = await trimChain({ journal, stream, clock, book, notary, retention: retention ?? {}, signal, onProblem });
    if (trimmed.dropped > 0) tell('log-trimmed', { dropped: trimmed.dropped, keptFrom: trimmed.keptFrom });
    await index?.forget(trimmed.keptFrom);
    return trimmed;
  };
  const keep = async (signal: AbortSignal) => {
    if (checkpoints !== undefined) await notary.export();
    if (retention !== undefined) await trim(signal);
    await index?.catchUp(signal);
  };
  const upkeep = createUpkeep(keep, { everyMs: checkpoints?.everyMs, onError });

  /** Whatever happened is recorded first; a result that cannot be recorded does not leave, and what could not be recorded anyway does not run. */
  const record: Stage = async (step, next) => {
    writer.refuseInVain();
    const started = performance.now();
    // Before anything runs: a tool may change what it was given.
    const argumentsDigest = digestOf(step.call.arguments);
    const write = (ended: Ended) =>
      writer.append(recordOf(step.call, { ...ended, target: step.target }, { durationMs: performance.now() - started, argumentsDigest }));
    let result: CallResult;
    try {
      result = await next();
    } catch (error) {
      await write({ result: undefined, error });
      throw error;
    }
    await write({ result, error: undefined });
    return result;
  };

  return {
    name: 'audit',
    events,
    stream,
    stages: { record },
    tools: createAuditTools({ newest: list, verify, checkpoint: notary.checkpoint, publicKey: notary.publicKey, rotateKey, chainPage }),
    async close() {
      const upkept = upkeep.stop(patienceMs);
      await door.settle();
      await writer.settle();
      await upkept;
    },
    door,
    verify,
    checkpoint: notary.checkpoint,
    publicKey: notary.publicKey,
    exportCheckpoint: notary.export,
    rotateKey,
    trim: () => trim(),
    upkeep: upkeep.run,
    list,
    records: (filter = {}) => searchAll(searched, filter),
    async *export({ format, ...filter }) {
      yield headerOf(format);
      for await (const entry of searchAll(searched, filter)) yield lineOf(entry, format);
    },
    async *exportChain() {
      let after: number | undefined;
      do {
        const page: ChainPage = await chainPage(after, CHAIN_PAGE);
        yield page.text;
        after = page.nextAfter;
      } while (after !== undefined);
    },
  };
}
