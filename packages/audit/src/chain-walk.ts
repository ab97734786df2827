import { linkHashOfBytes } from './chain.ts';
import type { Checkpoint } from './checkpoint.ts';

export type ChainProblemKind = 'edited' | 'missing' | 'reordered' | 'inserted' | 'truncated' | 'forked';

/** What is wrong with a chain, and where it shows first. */
export interface ChainProblem {
  readonly offset: number;
  readonly kind: ChainProblemKind;
  readonly message: string;
  /** What to do now. */
  readonly advice: string;
}

/** Goes along a chain, one link at a time, and past the checkpoints that lie on its way. */
export interface ChainWalk {
  /** Where it stands: the last link that held. */
  readonly size: number;
  readonly hash: string;
  /** The next link. `undefined`: it holds. */
  step(line: Uint8Array, hash: string): ChainProblem | undefined;
  /** To be asked where the chain ends: checkpoints that saw more. */
  finish(): ChainProblem | undefined;
}

const advice: Readonly<Record<ChainProblemKind, string>> = {
  edited: 'keep this copy as evidence, and compare the record with an export or a backup from before',
  missing: 'keep this copy as evidence, and look for the record in an export or a backup; a log that was trimmed needs the anchor it was trimmed with',
  reordered: 'keep this copy as evidence; the records in their order are in an export or a backup from before',
  inserted: 'find out who else writes to this stream; only the hub may',
  truncated: 'keep this copy as evidence, and look for the end in an export or a backup; if the store was restored from a backup, this is what is lost',
  forked: 'trust the side whose checkpoint you kept; the other history was written afterwards, or belongs to another log',
};

export function problemOf(kind: ChainProblemKind, offset: number, message: string): ChainProblem {
  return { offset, kind, message, advice: advice[kind] };
}

/** `checkpoints`: those behind `start`, or at it. */
export function createChainWalk(start: { readonly size: number; readonly hash: string }, checkpoints: readonly Checkpoint[]): ChainWalk {
  const ahead = checkpoints.toSorted((a, b) => a.size - b.size);
  let { size, hash } = start;
  let next = 0;
  /** Past the checkpoints that lie here. */
  const pass = (): ChainProblem | undefined => {
    for (; ahead[next]?.size === size; next++) {
      const checkpoint = ahead[next];
      if (checkpoint !== undefined && checkpoint.hash !== hash) return forked(checkpoint);
    }
    return undefined;
  };
  const atStart = pass();

  return {
    get size() {
      return size;
    },
    get hash() {
      return hash;
    },
    step(line, given) {
      if (atStart !== undefined) return atStart;
      const offset = size + 1;
      const seq = seqOf(line);
      if (seq !== offset || linkHashOfBytes(hash, line) !== given) {
        if (seq !== undefined && seq !== offset) return problemOf('reordered', offset, `record ${seq} stands in the place of record ${offset}`);
        return problemOf('edited', offset, `record ${offset} was changed after it was written, or one before it was replaced`);
      }
      hash = given;
      size = offset;
      return pass();
    },
    finish() {
      if (atStart !== undefined) return atStart;
      const beyond = ahead[next];
      if (beyond === undefined) return undefined;
      return problemOf('truncated', size + 1, `the chain ends at record ${size}, but the checkpoint of ${beyond.time} saw ${beyond.size}`);
    },
  };
}

function forked({ size, time }: Checkpoint): ChainProblem {
  return problemOf('forked', size, `the chain was written anew: record ${size} is not the one the checkpoint of ${time} saw`);
}

const START = Buffer.from('{"seq":');
const COMMA = 0x2c;

/** The place a line says it has. The writer puts it first. */
export function seqOf(line: Uint8Array): number | undefined {
  let seq = 0;
  let at = 0;
  for (; at < START.length; at++) if (line[at] !== START[at]) return undefined;
  const first = at;
  for (; ; at++) {
    const digit = (line[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    seq = seq * 10 + digit;
  }
  return line[at] === COMMA && at > first && at - first < 16 ? seq : undefined;
}
