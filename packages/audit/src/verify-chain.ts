import { InvalidInputError, type Journal } from '@meshwork/core';
import { GENESIS, rawLinkIn } from './chain.ts';
import { type ChainProblem, createChainWalk, problemOf } from './chain-walk.ts';
import { type Checkpoint, checkCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { readAhead } from './read-ahead.ts';

export interface Verification {
  readonly ok: boolean;
  readonly records: number;
  readonly head: { readonly size: number; readonly hash: string };
  /** The first record that is still there, when earlier ones were trimmed and an anchor says so. */
  readonly keptFrom?: number;
  /** Sizes of the checkpoints that lie in the part that was trimmed, and say nothing of what is left. */
  readonly notChecked?: readonly number[];
  readonly problem?: ChainProblem;
}

export interface VerifyOptions {
  /** One kept elsewhere, that the chain must still contain. */
  readonly checkpoint?: Checkpoint;
  /** Several of them. */
  readonly checkpoints?: readonly Checkpoint[];
  /** One that is trusted: checking starts behind it, so that records up to it may have been trimmed. Default: the chain's start. */
  readonly from?: Checkpoint;
  readonly signal?: AbortSignal;
}

interface Inside {
  /** The anchors of the log's own trims, signatures checked: asked for when it is known where the log begins. */
  readonly anchors?: () => Promise<readonly SignedCheckpoint[]>;
  /** Checks no further than to this record. */
  readonly to?: number;
}

/**
 * Reads a whole chain and checks every link, in constant memory; with checkpoints, also that the chain still contains them. A stream whose start was
 * trimmed holds when one of the anchors says that it begins there.
 *
 * @throws {InvalidInputError} when a checkpoint is none of this stream.
 */
export async function verifyChain(journal: Journal, stream: string, options: VerifyOptions = {}, inside: Inside = {}): Promise<Verification> {
  const { checkpoint, checkpoints = [], from } = options;
  const given = checkpoint === undefined ? checkpoints : [...checkpoints, checkpoint];
  for (const each of [...given, ...(from === undefined ? [] : [from])]) checkCheckpoint(each, stream);
  const early = from === undefined ? undefined : given.find(({ size }) => size < from.size);
  if (from !== undefined && early !== undefined)
    throw new InvalidInputError(`the checkpoint of record ${early.size} lies before record ${from.size}, where the check was to start`);
  for (;;) {
    const first = (await firstOffset(journal, stream)) ?? 1;
    const anchor = from ?? (await inside.anchors?.())?.find(({ size }) => size === first - 1);
    const start = { size: anchor?.size ?? 0, hash: anchor?.hash ?? GENESIS };
    const result = await walkFrom(journal, stream, start, given, options, inside);
    const isTrimmed = !result.ok && from === undefined && ((await firstOffset(journal, stream)) ?? 1) > first;
    // Another hub has trimmed what was just being read.
    if (!isTrimmed) return result;
  }
}

async function walkFrom(
  journal: Journal,
  stream: string,
  start: { readonly size: number; readonly hash: string },
  given: readonly Checkpoint[],
  { from, signal }: VerifyOptions,
  { to = Number.MAX_SAFE_INTEGER }: Inside,
): Promise<Verification> {
  // Taken first: what is appended meanwhile is not missing.
  const head = Math.min(await journal.head(stream), to);
  const walk = createChainWalk(
    start,
    given.filter(({ size }) => size >= start.size),
  );
  const notChecked = given.filter(({ size }) => size < start.size).map(({ size }) => size);
  const result = (problem: ChainProblem | undefined): Verification => ({
    ok: problem === undefined,
    records: walk.size - start.size,
    head: { size: walk.size, hash: walk.hash },
    ...(start.size > 0 && from === undefined && { keptFrom: start.size + 1 }),
    ...(notChecked.length > 0 && { notChecked }),
    ...(problem !== undefined && { problem }),
  });
  for await (const record of readAhead(journal, stream, start.size + 1, to)) {
    signal?.throwIfAborted();
    const offset = walk.size + 1;
    if (record.offset !== offset) return result(problemOf('missing', offset, `record ${offset} is missing: the next one is ${record.offset}`));
    const link = rawLinkIn(record);
    if (link === undefined) return result(problemOf('inserted', offset, `record ${offset} is not one the audit log wrote`));
    const problem = walk.step(link.line, link.hash);
    if (problem !== undefined) return result(problem);
  }
  const problem = walk.finish();
  if (problem !== undefined) return result(problem);
  if (head > walk.size) return result(problemOf('truncated', walk.size + 1, `the chain ends at record ${walk.size}, but the journal took ${head}`));
  return result(undefined);
}

/** Where a stream begins; `undefined` when it has nothing. */
export async function firstOffset(journal: Journal, stream: string): Promise<number | undefined> {
  for await (const { offset } of journal.read(stream, { limit: 1 })) return offset;
  return undefined;
}
