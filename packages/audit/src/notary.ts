import { type Clock, InvalidInputError, type Journal, UnavailableError } from '@meshwork/core';
import { linkIn } from './chain.ts';
import { readTip } from './chain-tip.ts';
import { type Checkpoint, type SignedCheckpoint, signCheckpoint } from './checkpoint.ts';
import type { CheckpointBook } from './checkpoint-book.ts';
import type { CheckpointPlace } from './places.ts';
import { type AuditSigner, verifierKeyOf } from './signed-note.ts';

/** Signs what the log is, and brings it to places outside. */
export interface Notary {
  /** The public key its checkpoints are checked with; `undefined` where nothing is signed. */
  publicKey(): Promise<string | undefined>;
  /** The log's present size and end, signed where there is a signer. @throws {UnavailableError} when the log no longer contains what was signed before. */
  checkpoint(): Promise<Checkpoint>;
  /** A signed checkpoint, at every place. Resolves to how many places have it. Places that fail are told of through `onError`. */
  export(): Promise<{ readonly checkpoint: SignedCheckpoint; readonly places: number }>;
  /** Up to which record all places have a checkpoint, as far as this process knows; without places, up to the newest that is signed. */
  covered(): Promise<number>;
  /** The newest checkpoint of the book. */
  newest(): Promise<SignedCheckpoint | undefined>;
  signer(): Promise<AuditSigner>;
}

export interface NotaryOptions {
  readonly journal: Journal;
  readonly stream: string;
  readonly clock: Clock;
  readonly book: CheckpointBook;
  readonly signer?: AuditSigner | (() => Promise<AuditSigner>) | undefined;
  readonly places: readonly CheckpointPlace[];
  readonly onError: (error: unknown) => void;
  /** Told of each checkpoint that is newly signed. */
  readonly onSigned?: (checkpoint: SignedCheckpoint) => void;
  /** Told that the log no longer holds what was signed, and since which record. */
  readonly onFork?: (offset: number, message: string) => void;
}

export function createNotary({ journal, stream, clock, book, signer: given, places, onError, onSigned, onFork }: NotaryOptions): Notary {
  /** The size each place has acknowledged. */
  const kept = new Map(places.map((place) => [place, -1]));
  let last: SignedCheckpoint | undefined;
  let looked = false;
  let opening: Promise<AuditSigner> | undefined;
  let signing: Promise<unknown> = Promise.resolve();

  const signer = () => {
    if (given === undefined) throw new InvalidInputError('this log has no signer; give audit({ checkpoints: { signer } }) one');
    opening ??= Promise.resolve(typeof given === 'function' ? given() : given).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  const newest = async () => {
    if (looked || given === undefined) return last;
    last = await book.newest([verifierKeyOf(await signer())]);
    looked = true;
    return last;
  };
  /** Two histories are never signed: what is signed next must still hold what was signed last. */
  const refuseFork = async (head: number, before: SignedCheckpoint | undefined) => {
    if (before === undefined || before.size === 0) return;
    let hash: string | undefined;
    if (before.size <= head)
      for await (const record of journal.read(stream, { from: before.size, limit: 1 })) hash = record.offset === before.size ? linkIn(record)?.hash : undefined;
    if (hash === before.hash) return;
    const what = `the audit log no longer contains record ${before.size} as it was signed at ${before.time}`;
    onFork?.(before.size, what);
    throw new UnavailableError(`${what}; verify it: nothing is signed until that is cleared up`);
  };
  const sign = async (): Promise<SignedCheckpoint> => {
    const before = await newest();
    const { offset: size, hash } = await readTip(journal, stream);
    await refuseFork(size, before);
    if (before?.size === size) return before;
    const made = await signCheckpoint({ stream, size, hash, time: new Date(clock.now()).toISOString() }, await signer());
    await book.add(made);
    last = made;
    onSigned?.(made);
    return made;
  };
  /** One after the other: two at once would both look at the same last one. */
  const signNext = () => {
    const next = signing.then(sign, sign);
    signing = next.catch(() => {});
    return next;
  };

  return {
    signer,
    newest,
    async publicKey() {
      return given === undefined ? undefined : verifierKeyOf(await signer());
    },
    async checkpoint() {
      if (given !== undefined) {
        const { isAnchor: _isAnchor, ...checkpoint } = await signNext();
        return checkpoint;
      }
      const { offset: size, hash } = await readTip(journal, stream);
      return { stream, size, hash, time: new Date(clock.now()).toISOString() };
    },
    async export() {
      const checkpoint = await signNext();
      const bring = async (place: CheckpointPlace) => {
        if ((kept.get(place) ?? -1) >= checkpoint.size) return true;
        try {
          await place.put(checkpoint);
          kept.set(place, checkpoint.size);
          return true;
        } catch (cause) {
          onError(
            new UnavailableError(`the checkpoint of ${checkpoint.size} records did not reach ${place.name}; it is tried again at the next one`, { cause }),
          );
          return false;
        }
      };
      const reached = await Promise.all(places.map(bring));
      return { checkpoint, places: reached.filter(Boolean).length };
    },
    async covered() {
      return places.length === 0 ? ((await newest())?.size ?? 0) : Math.max(0, Math.min(...kept.values()));
    },
  };
}
