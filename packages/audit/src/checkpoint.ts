import { InvalidInputError } from '@meshwork/core';
import { type AuditSigner, openNote, signNote, textOfNote } from './signed-note.ts';

/** A chain's size and end at some time. Whoever keeps one elsewhere can later prove that nothing up to it was changed or cut. */
export interface Checkpoint {
  readonly stream: string;
  readonly size: number;
  readonly hash: string;
  /** ISO 8601. */
  readonly time: string;
  /** The same, signed: the note of a log that has a signer. */
  readonly note?: string;
}

/** A checkpoint with its signature. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: string;
  /** True for one that states where the kept part of a trimmed log begins: records up to it were dropped. */
  readonly isAnchor: boolean;
}

/**
 * Signs a checkpoint. The text is modelled on a C2SP tlog-checkpoint: origin (the signer's name), size, hash in base64, then lines of our own:
 * `stream`, `time`, and `kept-from` in an anchor. The hash is that of the chain's last record and not of a Merkle tree.
 */
export async function signCheckpoint({ stream, size, hash, time }: Checkpoint, signer: AuditSigner, { isAnchor = false } = {}): Promise<SignedCheckpoint> {
  const lines = [signer.name, String(size), Buffer.from(hash, 'hex').toString('base64'), `stream ${JSON.stringify(stream)}`, `time ${time}`];
  if (isAnchor) lines.push(`kept-from ${size + 1}`);
  return { stream, size, hash, time, isAnchor, note: await signNote(`${lines.join('\n')}\n`, signer) };
}

/** What a note says that one of these keys has signed. @throws {InvalidInputError} when none has, or it is no checkpoint. */
export function openCheckpoint(note: string, keys: readonly string[]): SignedCheckpoint {
  return parseText(openNote(note, keys), note);
}

/** What a note says, whoever signed it. @throws {InvalidInputError} when it is no checkpoint. */
export function readCheckpointNote(note: string): SignedCheckpoint {
  return parseText(textOfNote(note), note);
}

function parseText(text: string, note: string): SignedCheckpoint {
  const [, size = '', base64 = '', stream = '', time = '', kept] =
    /^[^\n]+\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\nstream ("[^\n]*")\ntime (\S+)\n(?:kept-from (\d+)\n)?$/.exec(text) ?? [];
  const checkpoint = { size: Number(size), hash: Buffer.from(base64, 'base64').toString('hex'), time, isAnchor: kept !== undefined, note };
  if (size === '' || (kept !== undefined && Number(kept) !== checkpoint.size + 1))
    throw new InvalidInputError('the signed note is no checkpoint of an audit log');
  try {
    return { stream: JSON.parse(stream) as string, ...checkpoint };
  } catch (cause) {
    throw new InvalidInputError('the signed note is no checkpoint of an audit log', { cause });
  }
}

/**
 * The checkpoints in a text: one note, one JSON document, or one JSON document a line, as places keep them. With keys, each must be signed by one of
 * them, and what its note says counts.
 *
 * @throws {InvalidInputError} when there is none, or one that is damaged or not signed by these keys.
 */
export function parseCheckpoints(text: string, keys: readonly string[] = []): readonly Checkpoint[] {
  const trimmed = text.trim();
  const found = trimmed.startsWith('{') ? documentsIn(trimmed).map(parseJson) : [readCheckpointNote(`${trimmed}\n`)];
  return found.map((checkpoint) => {
    if (keys.length === 0) return checkpoint;
    if (checkpoint.note === undefined)
      throw new InvalidInputError(`the checkpoint of ${checkpoint.size} records is not signed; leave the key away, or give a signed one`);
    return openCheckpoint(checkpoint.note, keys);
  });
}

/** One document, over however many lines, or one a line. */
function documentsIn(text: string): readonly string[] {
  return /\}\s*\n\s*\{/.test(text) ? text.split('\n').filter((line) => line.trim() !== '') : [text];
}

function parseJson(line: string): Checkpoint {
  try {
    const { stream, size, hash, time, note } = JSON.parse(line) as Partial<Checkpoint>;
    if (typeof stream === 'string' && typeof size === 'number' && typeof hash === 'string' && typeof time === 'string')
      return { stream, size, hash, time, ...(typeof note === 'string' && { note }) };
  } catch {
    // Said below.
  }
  throw new InvalidInputError('this holds no checkpoint; make one with "meshwork audit checkpoint --out FILE"');
}

/** @throws {InvalidInputError} when it is no checkpoint of this stream. */
export function checkCheckpoint({ stream, size, hash }: Checkpoint, expected: string): void {
  if (stream !== expected) throw new InvalidInputError(`the checkpoint is of the stream ${JSON.stringify(stream)}, not of ${JSON.stringify(expected)}`);
  if (!Number.isSafeInteger(size) || size < 0 || !/^[0-9a-f]{64}$/.test(hash))
    throw new InvalidInputError('the checkpoint is damaged: its size must be a whole number, its hash 64 hexadecimal digits');
}
