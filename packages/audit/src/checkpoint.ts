import { InvalidInputError } from '@meshwork/core';
import { type AuditSigner, signNote, textOfNote, verifierKeyOf } from './signed-note.ts';

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
  /** In one that changes the log's key: the public keys before and after it. It is signed with both. */
  readonly rotation?: KeyRotation;
}

export interface KeyRotation {
  readonly previous: string;
  readonly next: string;
}

/**
 * Signs a checkpoint. The text is modelled on a C2SP tlog-checkpoint: origin (the signer's name), size, hash in base64, then lines of our own:
 * `stream`, `time`, `kept-from` in an anchor, `previous-key` and `next-key` in a rotation. The hash is that of the chain's last record and not of a
 * Merkle tree.
 */
export async function signCheckpoint(checkpoint: Checkpoint, signer: AuditSigner, { isAnchor = false } = {}): Promise<SignedCheckpoint> {
  const { stream, size, hash, time } = checkpoint;
  const note = await signNote(textOf(checkpoint, signer, isAnchor ? [`kept-from ${size + 1}`] : []), signer);
  return { stream, size, hash, time, isAnchor, note };
}

/** Signs a checkpoint behind which the log's key is another: the old key says which, and the new one that it takes over. */
export async function signRotation(checkpoint: Checkpoint, signer: AuditSigner, next: AuditSigner): Promise<SignedCheckpoint> {
  const { stream, size, hash, time } = checkpoint;
  const rotation = { previous: verifierKeyOf(signer), next: verifierKeyOf(next) };
  const text = textOf(checkpoint, signer, [`previous-key ${rotation.previous}`, `next-key ${rotation.next}`]);
  return { stream, size, hash, time, isAnchor: false, rotation, note: await signNote(text, signer, next) };
}

function textOf({ stream, size, hash, time }: Checkpoint, { name }: AuditSigner, more: readonly string[]): string {
  const lines = [name, String(size), Buffer.from(hash, 'hex').toString('base64'), `stream ${JSON.stringify(stream)}`, `time ${time}`, ...more];
  return `${lines.join('\n')}\n`;
}

/** What a note says, whoever signed it. @throws {InvalidInputError} when it is no checkpoint. */
export function readCheckpointNote(note: string): SignedCheckpoint {
  return parseText(textOfNote(note), note);
}

/** What the text of a note says. @throws {InvalidInputError} when it is no checkpoint. */
export function parseText(text: string, note: string): SignedCheckpoint {
  const [, size = '', base64 = '', stream = '', time = '', kept, previous, next] =
    /^[^\n]+\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\nstream ("[^\n]*")\ntime (\S+)\n(?:kept-from (\d+)\n|previous-key (\S+)\nnext-key (\S+)\n)?$/.exec(
      text,
    ) ?? [];
  const checkpoint = { size: Number(size), hash: Buffer.from(base64, 'base64').toString('hex'), time, isAnchor: kept !== undefined, note };
  if (size === '' || (kept !== undefined && Number(kept) !== checkpoint.size + 1))
    throw new InvalidInputError('the signed note is no checkpoint of an audit log');
  try {
    return { stream: JSON.parse(stream) as string, ...checkpoint, ...(previous !== undefined && next !== undefined && { rotation: { previous, next } }) };
  } catch (cause) {
    throw new InvalidInputError('the signed note is no checkpoint of an audit log', { cause });
  }
}

/** @throws {InvalidInputError} when it is no checkpoint of this stream. */
export function checkCheckpoint({ stream, size, hash }: Checkpoint, expected: string): void {
  if (stream !== expected) throw new InvalidInputError(`the checkpoint is of the stream ${JSON.stringify(stream)}, not of ${JSON.stringify(expected)}`);
  if (!Number.isSafeInteger(size) || size < 0 || !/^[0-9a-f]{64}$/.test(hash))
    throw new InvalidInputError('the checkpoint is damaged: its size must be a whole number, its hash 64 hexadecimal digits');
}
