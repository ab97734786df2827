import { InvalidInputError, type Journal } from '@meshwork/core';
import { GENESIS, type Link, linkHash, linkIn } from './chain.ts';

/** A chain's size and end at some time. Whoever keeps one elsewhere can later prove that nothing up to it was changed or cut. */
export interface Checkpoint {
  readonly stream: string;
  readonly size: number;
  readonly hash: string;
  /** ISO 8601. */
  readonly time: string;
}

/** What is wrong with a chain, and where it shows first. */
export interface ChainProblem {
  readonly offset: number;
  readonly kind: 'edited' | 'missing' | 'reordered' | 'inserted' | 'truncated' | 'forked';
  readonly message: string;
}

export interface Verification {
  readonly ok: boolean;
  readonly records: number;
  readonly head: { readonly size: number; readonly hash: string };
  readonly problem?: ChainProblem;
}

export interface VerifyOptions {
  /** One kept elsewhere, that the chain must still contain. */
  readonly checkpoint?: Checkpoint;
  /** One that is trusted: checking starts behind it, so that records up to it may have been trimmed. Default: the chain's start. */
  readonly from?: Checkpoint;
  readonly signal?: AbortSignal;
}

/**
 * Reads a whole chain and checks every link, in constant memory; with a checkpoint, also that the chain still contains it.
 *
 * @throws {InvalidInputError} when a checkpoint is none of this stream.
 */
export async function verifyChain(journal: Journal, stream: string, { checkpoint, from, signal }: VerifyOptions = {}): Promise<Verification> {
  for (const each of [checkpoint, from]) if (each !== undefined) checkCheckpoint(each, stream);
  if (checkpoint !== undefined && from !== undefined && checkpoint.size < from.size)
    throw new InvalidInputError(`the checkpoint of record ${checkpoint.size} lies before record ${from.size}, where the check was to start`);
  let hash = from?.hash ?? GENESIS;
  let size = from?.size ?? 0;
  const start = size;
  // Taken first: what is appended meanwhile is not missing.
  const head = await journal.head(stream);
  const fail = (problem: ChainProblem): Verification => ({ ok: false, records: size - start, head: { size, hash }, problem });
  if (checkpoint?.size === size && checkpoint.hash !== hash) return fail(forked(checkpoint));
  for await (const record of journal.read(stream, { from: size + 1 })) {
    signal?.throwIfAborted();
    const offset = size + 1;
    const link = linkIn(record);
    if (record.offset !== offset) return fail({ offset, kind: 'missing', message: `record ${offset} is missing: the next one is ${record.offset}` });
    if (link === undefined) return fail({ offset, kind: 'inserted', message: `record ${offset} is not one the audit log wrote` });
    const problem = checkLink(hash, link, offset);
    if (problem !== undefined) return fail(problem);
    hash = link.hash;
    size = offset;
    if (checkpoint?.size === size && checkpoint.hash !== hash) return fail(forked(checkpoint));
  }
  if (checkpoint !== undefined && checkpoint.size > size)
    return fail({
      offset: size + 1,
      kind: 'truncated',
      message: `the chain ends at record ${size}, but the checkpoint of ${checkpoint.time} saw ${checkpoint.size}`,
    });
  if (head > size) return fail({ offset: size + 1, kind: 'truncated', message: `the chain ends at record ${size}, but the journal took ${head}` });
  return { ok: true, records: size - start, head: { size, hash } };
}

function forked({ size, time }: Checkpoint): ChainProblem {
  return { offset: size, kind: 'forked', message: `the chain was written anew: record ${size} is not the one the checkpoint of ${time} saw` };
}

function checkCheckpoint({ stream, size, hash }: Checkpoint, expected: string): void {
  if (stream !== expected) throw new InvalidInputError(`the checkpoint is of the stream ${JSON.stringify(stream)}, not of ${JSON.stringify(expected)}`);
  if (!Number.isSafeInteger(size) || size < 0 || !/^[0-9a-f]{64}$/.test(hash))
    throw new InvalidInputError('the checkpoint is damaged: its size must be a whole number, its hash 64 hexadecimal digits');
}

function checkLink(previous: string, link: Link, offset: number): ChainProblem | undefined {
  const seq = seqOf(link.line);
  if (linkHash(previous, link.line) === link.hash && seq === offset) return undefined;
  if (seq !== undefined && seq !== offset) return { offset, kind: 'reordered', message: `record ${seq} stands in the place of record ${offset}` };
  return { offset, kind: 'edited', message: `record ${offset} was changed after it was written, or one before it was replaced` };
}

function seqOf(line: string): number | undefined {
  try {
    const { seq } = JSON.parse(line) as { seq?: unknown };
    return typeof seq === 'number' ? seq : undefined;
  } catch {
    return undefined;
  }
}
