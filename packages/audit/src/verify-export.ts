import { InvalidInputError } from '@meshwork/core';
import { GENESIS } from './chain.ts';
import { type ChainHeader, type ChainTrailer, parseChainLine } from './chain-lines.ts';
import { type ChainProblem, type ChainWalk, createChainWalk, problemOf, seqOf } from './chain-walk.ts';
import { type Checkpoint, checkCheckpoint } from './checkpoint.ts';
import { createKeyRing, type KeyRing } from './key-ring.ts';
import { linesOf } from './lines-of.ts';
import type { Verification } from './verify-chain.ts';

export interface VerifyExportOptions {
  /** Checkpoints from elsewhere, that the log must contain. With keys, those that have a note must be signed. */
  readonly checkpoints?: readonly Checkpoint[];
  /** Public keys of the log, of any time: what says that its start was trimmed must be signed by one of them, or by one that rotations lead to. */
  readonly keys?: readonly string[];
}

/**
 * Checks a file that `audit_export` made with the format `chain`, without the hub: in constant memory, at some hundred thousand records a second.
 * Without checkpoints it shows what was changed inside; with them also that nothing was cut off or written anew.
 *
 * @throws {InvalidInputError} when it is no such file, or a checkpoint is none of its stream.
 */
export async function verifyExport(chunks: AsyncIterable<Uint8Array>, { checkpoints: given = [], keys = [] }: VerifyExportOptions = {}): Promise<Verification> {
  let checkpoints = given;
  let header: ChainHeader | undefined;
  let trailer: ChainTrailer | undefined;
  let walk: ChainWalk | undefined;
  /** A record that stands where an earlier one should: the rest is looked through for that one only. */
  let skipped: number | undefined;
  const result = (problem: ChainProblem | undefined): Verification => {
    const start = header?.after ?? 0;
    const notChecked = checkpoints.filter(({ size }) => size < start).map(({ size }) => size);
    return {
      ok: problem === undefined,
      records: (walk?.size ?? start) - start,
      head: { size: walk?.size ?? start, hash: walk?.hash ?? GENESIS },
      ...(start > 0 && { keptFrom: start + 1 }),
      ...(notChecked.length > 0 && { notChecked }),
      ...(problem && { problem }),
    };
  };

  for await (const bytes of linesOf(chunks)) {
    if (walk === undefined) {
      header = parseHeader(bytes);
      const ring = keys.length === 0 ? undefined : createKeyRing(keys, notesOf(header, given));
      if (ring !== undefined) checkpoints = given.map((each) => (each.note === undefined ? each : ring.open(each.note)));
      for (const each of checkpoints) checkCheckpoint(each, header.stream);
      const problem = startProblem(header, checkpoints, ring);
      if (problem !== undefined) return result(problem);
      const { after } = header;
      walk = createChainWalk(
        { size: after, hash: header.hash },
        checkpoints.filter(({ size }) => size >= after),
      );
      continue;
    }
    const offset = walk.size + 1;
    if (trailer !== undefined) return result(problemOf('inserted', offset, `there are lines behind the end of the log, after record ${walk.size}`));
    const link = parseChainLine(bytes);
    if (link === undefined) {
      trailer = parseTrailer(bytes);
      if (trailer === undefined) return result(problemOf('inserted', offset, `the line of record ${offset} is not one the audit log wrote`));
      continue;
    }
    if (skipped !== undefined) {
      if (seqOf(link.line) === offset)
        return result(problemOf('reordered', offset, `record ${skipped} stands in the place of record ${offset}, which comes later`));
      continue;
    }
    const seq = seqOf(link.line);
    if (seq !== undefined && seq > offset) skipped = seq;
    else {
      const problem = walk.step(link.line, link.hash);
      if (problem !== undefined) return result(problem);
    }
  }
  if (walk === undefined) throw notExport();
  if (skipped !== undefined) return result(problemOf('missing', walk.size + 1, `record ${walk.size + 1} is missing: the next one is ${skipped}`));
  const problem = walk.finish();
  if (problem !== undefined) return result(problem);
  if (trailer === undefined || trailer.end !== walk.size || trailer.hash !== walk.hash)
    return result(problemOf('truncated', walk.size + 1, `the file stops after record ${walk.size} without the line that ends an export; export it again`));
  return result(undefined);
}

/** A file may begin behind the log's start where something that is trusted says so. */
function startProblem({ stream, after, hash, anchor }: ChainHeader, checkpoints: readonly Checkpoint[], ring: KeyRing | undefined): ChainProblem | undefined {
  if (after === 0 && hash === GENESIS) return undefined;
  if (checkpoints.some((each) => each.size === after && each.hash === hash)) return undefined;
  if (anchor !== undefined && ring !== undefined) {
    const opened = ring.open(anchor);
    if (opened.isAnchor && opened.stream === stream && opened.size === after && opened.hash === hash) return undefined;
  }
  const how = anchor === undefined ? 'nothing signed says that they were trimmed' : 'give the public key of the log (--key) to check that they were trimmed';
  return problemOf('missing', 1, `records 1 to ${after} are not in the file, and ${how}`);
}

function notesOf({ rotations }: ChainHeader, checkpoints: readonly Checkpoint[]): readonly string[] {
  const listed = Array.isArray(rotations) ? rotations.filter((note) => typeof note === 'string') : [];
  return [...listed, ...checkpoints.flatMap(({ note = [] }) => note)];
}

function parseHeader(bytes: Buffer): ChainHeader {
  const value = parse(bytes) as Partial<ChainHeader> | undefined;
  if (value?.meshwork_audit !== 1 || typeof value.stream !== 'string' || !Number.isSafeInteger(value.after) || !/^[0-9a-f]{64}$/.test(value.hash ?? ''))
    throw notExport();
  return value as ChainHeader;
}

function parseTrailer(bytes: Buffer): ChainTrailer | undefined {
  const value = parse(bytes) as Partial<ChainTrailer> | undefined;
  return value?.meshwork_audit === 1 && typeof value.end === 'number' ? (value as ChainTrailer) : undefined;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function notExport(): InvalidInputError {
  return new InvalidInputError('this file is no export that can be verified; make one with "meshwork audit export --format chain --out FILE"');
}
