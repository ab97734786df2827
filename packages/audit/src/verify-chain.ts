import type { Journal } from '@meshwork/core';
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

/** Reads a whole chain and checks every link, in constant memory; with a checkpoint, also that the chain still contains it. */
export async function verifyChain(
  journal: Journal,
  stream: string,
  { checkpoint, signal }: { readonly checkpoint?: Checkpoint; readonly signal?: AbortSignal } = {},
): Promise<Verification> {
  let hash = GENESIS;
  let size = 0;
  const fail = (problem: ChainProblem): Verification => ({ ok: false, records: size, head: { size, hash }, problem });
  for await (const record of journal.read(stream)) {
    signal?.throwIfAborted();
    const offset = size + 1;
    const link = linkIn(record);
    if (record.offset !== offset) return fail({ offset, kind: 'missing', message: `record ${offset} is missing: the next one is ${record.offset}` });
    if (link === undefined) return fail({ offset, kind: 'inserted', message: `record ${offset} is not one the audit log wrote` });
    const problem = checkLink(hash, link, offset);
    if (problem !== undefined) return fail(problem);
    hash = link.hash;
    size = offset;
    if (checkpoint?.size === size && checkpoint.hash !== hash)
      return fail({ offset, kind: 'forked', message: `the chain was written anew: record ${offset} is not the one the checkpoint of ${checkpoint.time} saw` });
  }
  if (checkpoint !== undefined && checkpoint.size > size)
    return fail({
      offset: size + 1,
      kind: 'truncated',
      message: `the chain ends at record ${size}, but the checkpoint of ${checkpoint.time} saw ${checkpoint.size}`,
    });
  return { ok: true, records: size, head: { size, hash } };
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
