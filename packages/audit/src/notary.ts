import { type Clock, ConflictError, InvalidInputError, type Journal, UnavailableError } from '@meshwork/core';
import { linkHash, linkIn } from './chain.ts';
import { readTip } from './chain-tip.ts';
import { type Checkpoint, type SignedCheckpoint, signCheckpoint, signRotation } from './checkpoint.ts';
import type { CheckpointBook } from './checkpoint-book.ts';
import { createKeyRing, type KeyRing } from './key-ring.ts';
import type { CheckpointPlace } from './places.ts';
import { type AuditSigner, verifierKeyOf } from './signed-note.ts';
import { createSignerSource, type GivenSigner } from './signer-source.ts';

/** Who signs now, which keys count, and where the book ends. */
interface Standing {
  readonly signer: AuditSigner;
  readonly ring: KeyRing;
  readonly bookEnd: number;
}

export interface RotateOptions {
  /** The key from now on. Default: one that is made, where the log's keys are kept in a store (`createStoredKeys`). */
  readonly next?: AuditSigner;
  /** Somebody else may have the old key: it vouches for nothing any more, not even for the new one. Default false. */
  readonly isCompromised?: boolean;
}

export interface Rotated {
  /** The public keys before and after. */
  readonly previousKey: string;
  readonly publicKey: string;
  /** What was signed last with the old key, and first with the new one. */
  readonly checkpoint: SignedCheckpoint;
}

/** Signs what the log is, and brings it to places outside. */
export interface Notary {
  /** The public key its checkpoints are checked with; `undefined` where nothing is signed. */
  publicKey(): Promise<string | undefined>;
  /** The log's present size and end, signed where there is a signer. @throws {UnavailableError} when the log no longer contains what was signed before. */
  checkpoint(): Promise<Checkpoint>;
  /** A signed checkpoint, at every place. Resolves to how many places have it. Places that fail are told of through `onError`. */
  export(): Promise<{ readonly checkpoint: SignedCheckpoint; readonly places: number }>;
  /** Another key signs from now on. */
  rotate(options: RotateOptions): Promise<Rotated>;
  /** Up to which record all places have a checkpoint, as far as this process knows; without places, up to the newest that is signed. */
  covered(): Promise<number>;
  /** The newest checkpoint of the book. */
  newest(): Promise<SignedCheckpoint | undefined>;
  standing(): Promise<Standing>;
}

export interface NotaryOptions {
  readonly journal: Journal;
  readonly stream: string;
  readonly clock: Clock;
  readonly book: CheckpointBook;
  readonly signer?: GivenSigner | undefined;
  readonly places: readonly CheckpointPlace[];
  readonly onError: (error: unknown) => void;
  /** Told of each checkpoint that is newly signed. */
  readonly onSigned?: (checkpoint: SignedCheckpoint) => void;
  /** Told that the log no longer holds what was signed, and since which record. */
  readonly onFork?: (offset: number, message: string) => void;
}

/**
 * Several hubs may sign one log: each goes by the book they share, and adds to it only if nobody was quicker, so that what is signed always follows
 * what any of them has signed before.
 */
export function createNotary({ journal, stream, clock, book, signer: given, places, onError, onSigned, onFork }: NotaryOptions): Notary {
  /** The size each place has acknowledged, and the rotations it has. */
  const kept = new Map(places.map((place) => [place, { size: -1, rotations: new Set<string>() }]));
  const source = createSignerSource(given);
  let signing: Promise<unknown> = Promise.resolve();
  const now = () => new Date(clock.now()).toISOString();

  const standing = async (): Promise<Standing> => {
    const bookEnd = await book.refresh();
    const notes = book.rotations().map(({ note }) => note);
    for (let signer = await source.current(); ; ) {
      const key = verifierKeyOf(signer);
      const ring = createKeyRing([key], notes);
      const next = ring.successorOf(key);
      if (next === undefined) return { signer, ring, bookEnd };
      signer = await source.follow(next);
    }
  };
  const newest = async (at?: Standing) => (given === undefined ? undefined : book.newest((at ?? (await standing())).ring));
  /** Whether the log still has what was signed. Where the record itself was trimmed the next one, which is chained to it, tells. */
  const contains = async ({ size, hash }: SignedCheckpoint, head: number): Promise<boolean> => {
    if (size === 0) return true;
    if (size > head) return false;
    for await (const record of journal.read(stream, { from: size, limit: 1 })) {
      const link = linkIn(record);
      if (record.offset === size) return link?.hash === hash;
      return record.offset === size + 1 && link !== undefined && linkHash(hash, link.line) === link.hash;
    }
    return false;
  };
  /** The log's end, where it follows what was signed last: two histories are never signed. */
  const endBehind = async (before: SignedCheckpoint | undefined): Promise<Checkpoint> => {
    const { offset: size, hash } = await readTip(journal, stream);
    if (before !== undefined && !(await contains(before, size))) {
      const what = `the audit log no longer contains record ${before.size} as it was signed at ${before.time}`;
      onFork?.(before.size, what);
      throw new UnavailableError(`${what}; verify it: nothing is signed until that is cleared up`);
    }
    return { stream, size, hash, time: now() };
  };
  /** One after the other in this process; where another one was quicker, anew. */
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const attempt = async (): Promise<Result> => {
      for (;;) {
        try {
          return await work();
        } catch (error) {
          if (!(error instanceof ConflictError)) throw error;
        }
      }
    };
    const next = signing.then(attempt, attempt);
    signing = next.catch(() => {});
    return next;
  };
  const sign = async (): Promise<SignedCheckpoint> => {
    const at = await standing();
    const before = await newest(at);
    const end = await endBehind(before);
    if (before?.size === end.size) return before;
    const made = await signCheckpoint(end, at.signer);
    await book.add([made], at.bookEnd);
    onSigned?.(made);
    return made;
  };
  const rotate = async ({ next: wanted, isCompromised = false }: RotateOptions): Promise<Rotated> => {
    const at = await standing();
    const end = await endBehind(await newest(at));
    const next = wanted ?? (await source.make());
    const made = isCompromised ? await signCheckpoint(end, next) : await signRotation(end, at.signer, next);
    // The new key says itself where the log begins: what the old one said need not be believed for that.
    const anchors = book.anchors().filter(({ note }) => at.ring.isSigned(note));
    const last = anchors.reduce<SignedCheckpoint | undefined>((most, each) => (each.size >= (most?.size ?? 0) ? each : most), undefined);
    await book.add([made, ...(last === undefined ? [] : [await signCheckpoint({ ...last, time: now() }, next, { isAnchor: true })])], at.bookEnd);
    await source.adopt(next);
    onSigned?.(made);
    return { previousKey: verifierKeyOf(at.signer), publicKey: verifierKeyOf(next), checkpoint: made };
  };
  const bring = async (place: CheckpointPlace, checkpoint: SignedCheckpoint, rotations: readonly SignedCheckpoint[]): Promise<boolean> => {
    const has = kept.get(place);
    if (has === undefined) return false;
    try {
      for (const rotation of rotations) {
        if (has.rotations.has(rotation.note) || rotation.note === checkpoint.note) continue;
        await place.put(rotation);
        has.rotations.add(rotation.note);
      }
      if (has.size < checkpoint.size || (checkpoint.rotation !== undefined && !has.rotations.has(checkpoint.note))) await place.put(checkpoint);
      if (checkpoint.rotation !== undefined) has.rotations.add(checkpoint.note);
      has.size = Math.max(has.size, checkpoint.size);
      return true;
    } catch (cause) {
      onError(new UnavailableError(`the checkpoint of ${checkpoint.size} records did not reach ${place.name}; it is tried again at the next one`, { cause }));
      return false;
    }
  };

  return {
    standing,
    newest: () => newest(),
    async publicKey() {
      return given === undefined ? undefined : verifierKeyOf((await standing()).signer);
    },
    async checkpoint() {
      if (given === undefined) return endBehind(undefined);
      const { isAnchor: _isAnchor, rotation: _rotation, ...checkpoint } = await inTurn(sign);
      return checkpoint;
    },
    async export() {
      const checkpoint = await inTurn(sign);
      const { rotations } = places.length === 0 ? { rotations: [] } : (await standing()).ring;
      const reached = await Promise.all(places.map((place) => bring(place, checkpoint, rotations)));
      return { checkpoint, places: reached.filter(Boolean).length };
    },
    async rotate(options) {
      if (given === undefined) throw new InvalidInputError('this log has no key to be replaced; give audit({ checkpoints: { signer } }) one');
      return inTurn(() => rotate(options));
    },
    async covered() {
      return places.length === 0 ? ((await newest())?.size ?? 0) : Math.max(0, Math.min(...[...kept.values()].map(({ size }) => size)));
    },
  };
}
