import { type CallResult, type Clock, type Ended, type Journal, type Module, type Stage, systemClock, UnavailableError } from '@meshwork/core';
import { createAuditTools } from './audit-tools.ts';
import { GENESIS, type Link, linkIn } from './chain.ts';
import { createChainWriter } from './chain-writer.ts';
import { createDoorBook, type DoorBook } from './door-book.ts';
import { type ExportFormat, headerOf, lineOf } from './export-lines.ts';
import { digestOf, recordOf } from './record.ts';
import { type AuditFilter, type NumberedRecord, searchAll, searchNewest } from './search.ts';
import { type Checkpoint, type Verification, type VerifyOptions, verifyChain } from './verify-chain.ts';

export interface AuditOptions {
  /** Where the chain is kept. This module must be the only writer of its stream. */
  readonly journal: Journal;
  /** Default `audit`. */
  readonly stream?: string;
  readonly clock?: Clock;
}

/** The module, and what an application uses of it directly. */
export interface AuditLog extends Module {
  /** Records what transports refuse before it is a call, in the same chain: for their `recorder`. */
  readonly door: DoorBook;
  /** Checks every link; with a checkpoint, also that the chain still contains it. `from`, a trusted checkpoint, starts behind it: for a trimmed stream. */
  verify(options?: VerifyOptions): Promise<Verification>;
  /** The chain's present size and end, to be kept elsewhere. */
  checkpoint(): Promise<Checkpoint>;
  /** The newest matching records first. */
  list(filter?: AuditFilter): Promise<readonly NumberedRecord[]>;
  /** Every matching record as text, oldest first, a line at a time. */
  export(options: Omit<AuditFilter, 'limit'> & { readonly format: ExportFormat }): AsyncIterable<string>;
}

/** A record of every call, written before the call's result leaves the hub, in a chain in which any change shows. */
export function audit({ journal, stream = 'audit', clock = systemClock }: AuditOptions): AuditLog {
  const writer = createChainWriter(journal, stream);
  const door = createDoorBook({ writer, clock });
  const verify: AuditLog['verify'] = (options) => verifyChain(journal, stream, options);
  const list = (filter: AuditFilter = {}) => searchNewest(journal, stream, filter);
  const checkpoint = async (): Promise<Checkpoint> => {
    const size = await journal.head(stream);
    let hash = GENESIS;
    if (size > 0) {
      let link: Link | undefined;
      for await (const record of journal.read(stream, { from: size, limit: 1 })) link = linkIn(record);
      if (link === undefined) throw new UnavailableError(`the end of the audit stream ${JSON.stringify(stream)} cannot be read; verify it first`);
      hash = link.hash;
    }
    return { stream, size, hash, time: new Date(clock.now()).toISOString() };
  };

  /** Whatever happened is recorded first; a result that cannot be recorded does not leave. */
  const record: Stage = async (step, next) => {
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
    stages: { record },
    tools: createAuditTools({ newest: list, verify, checkpoint }),
    async close() {
      await door.settle();
      await writer.settle();
    },
    door,
    verify,
    checkpoint,
    list,
    async *export({ format, ...filter }) {
      yield headerOf(format);
      for await (const entry of searchAll(journal, stream, filter)) yield lineOf(entry, format);
    },
  };
}
