import { InvalidInputError } from '@meshwork/core';
import { type Checkpoint, readCheckpointNote, type SignedCheckpoint } from './checkpoint.ts';
import { createKeyRing } from './key-ring.ts';

/**
 * The checkpoints in a text: one note, one JSON document, or one JSON document a line, as places keep them. With keys, each must be signed by one of
 * them, or by one that rotations among the checkpoints lead to, and what its note says counts.
 *
 * @throws {InvalidInputError} when there is none, or one that is damaged or not signed by these keys.
 */
export function parseCheckpoints(text: string, keys: readonly string[] = []): readonly Checkpoint[] {
  const trimmed = text.trim();
  const found = trimmed.startsWith('{') ? documentsIn(trimmed).map(parseJson) : [readCheckpointNote(`${trimmed}\n`)];
  if (keys.length === 0) return found;
  const ring = createKeyRing(
    keys,
    found.flatMap(({ note = [] }) => note),
  );
  return found.map((checkpoint) => {
    if (checkpoint.note === undefined)
      throw new InvalidInputError(`the checkpoint of ${checkpoint.size} records is not signed; leave the key away, or give a signed one`);
    return ring.open(checkpoint.note);
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

/** What a note says that one of these keys has signed. @throws {InvalidInputError} when none has, or it is no checkpoint. */
export function openCheckpoint(note: string, keys: readonly string[]): SignedCheckpoint {
  return createKeyRing(keys, [note]).open(note);
}
