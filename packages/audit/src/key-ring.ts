import { InvalidInputError } from '@meshwork/core';
import { parseText, readCheckpointNote, type SignedCheckpoint } from './checkpoint.ts';
import { openNote, signersOf } from './signed-note.ts';

/** The public keys of a log: those somebody trusts, and those that follow from them by rotations. */
export interface KeyRing {
  /** What a note says that one of the keys has signed, while it was in use. @throws {InvalidInputError} when none has, or it is no checkpoint. */
  open(note: string): SignedCheckpoint;
  isSigned(note: string): boolean;
  /** The key this one was replaced by. */
  successorOf(key: string): string | undefined;
  /** The rotations among what it was made of that count, oldest first. */
  readonly rotations: readonly SignedCheckpoint[];
}

/**
 * A rotation is a checkpoint that names the key in use and the next, signed by both: the old key says which is the next, and the new one which came
 * before. So one key of a log leads to the others, forwards and backwards. A key that was replaced counts up to the record it was replaced at.
 *
 * `notes`: where rotations are looked for; others are passed over.
 *
 * @throws {InvalidInputError} when two keys claim to follow a trusted one: whoever signed one of the claims had no right to the key.
 */
export function createKeyRing(trusted: readonly string[], notes: Iterable<string>): KeyRing {
  const rotations = [...new Set(notes)].map(readRotation).filter((each) => each !== undefined);
  /** Up to which record a key counts. */
  const known = new Map(trusted.map((key) => [key.trim(), Number.POSITIVE_INFINITY]));
  const used = new Set<Rotation>();
  const use = (rotation: Rotation) => {
    used.add(rotation);
    known.set(rotation.previous, Math.min(known.get(rotation.previous) ?? Number.POSITIVE_INFINITY, rotation.size));
    if (!known.has(rotation.next)) known.set(rotation.next, Number.POSITIVE_INFINITY);
  };
  // Backwards first: where the later key is trusted, nobody else can claim to follow the earlier one.
  for (let key: Rotation | undefined; ; ) {
    key = rotations.find((each) => !used.has(each) && known.has(each.next));
    if (key === undefined) break;
    use(key);
  }
  const isReplaced = (key: string) => (known.get(key) ?? 0) < Number.POSITIVE_INFINITY;
  for (let key: string | undefined; ; ) {
    key = [...known.keys()].find((each) => !isReplaced(each) && rotations.some(({ previous }) => previous === each));
    if (key === undefined) break;
    const claims = rotations.filter(({ previous }) => previous === key);
    const first = claims[0];
    if (first === undefined) break;
    if (claims.some(({ next }) => next !== first.next))
      throw new InvalidInputError(`two keys claim to follow ${key}: somebody else has had it; give the present key of the log, from a source you trust`);
    use(first);
  }

  const open = (note: string): SignedCheckpoint => {
    const { text, signers } = signersOf(note, [...known.keys()]);
    const checkpoint = parseText(text, note);
    if (signers.every((key) => checkpoint.size > (known.get(key) ?? 0)))
      throw new InvalidInputError(
        `the checkpoint of ${checkpoint.size} records is signed with a key that was replaced before, at record ${Math.max(...signers.map((key) => known.get(key) ?? 0))}: trust it only if you know why`,
      );
    return checkpoint;
  };
  return {
    open,
    isSigned(note) {
      try {
        open(note);
        return true;
      } catch {
        return false;
      }
    },
    successorOf: (key) => [...used].find(({ previous }) => previous === key)?.next,
    rotations: [...used].map(({ checkpoint }) => checkpoint).sort((a, b) => a.size - b.size),
  };
}

interface Rotation {
  readonly previous: string;
  readonly next: string;
  readonly size: number;
  readonly checkpoint: SignedCheckpoint;
}

/** The rotation in a note that both of its keys have signed. */
function readRotation(note: string): Rotation | undefined {
  try {
    const checkpoint = readCheckpointNote(note);
    const { rotation, size } = checkpoint;
    if (rotation === undefined) return undefined;
    openNote(note, [rotation.previous]);
    openNote(note, [rotation.next]);
    return { ...rotation, size, checkpoint };
  } catch {
    return undefined;
  }
}
