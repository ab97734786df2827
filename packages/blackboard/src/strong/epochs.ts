import type { Epoch, Member } from './epoch.ts';

/** Which members majorities are counted among. */
export interface Epochs {
  /** Whether an epoch that another hub offers may be written down; `undefined` where epochs are on record. */
  readonly fits: ((epoch: Epoch) => boolean) | undefined;
  /** The latest epoch that is known; the first is formed if need be. @throws {UnavailableError} when that is not possible before `signal` aborts. */
  current(signal: AbortSignal): Promise<Epoch>;
  /** The epoch after one that is over. @throws {UnavailableError} */
  after(epoch: Epoch, signal: AbortSignal): Promise<Epoch>;
  /** Looks for a later epoch than the one known, and writes it down. @throws {UnavailableError} */
  learn(): Promise<void>;
  /** Makes these hubs, with the storage they have now, the members. @throws {UnavailableError} */
  change(names: readonly string[], signal: AbortSignal): Promise<void>;
}

/** Hubs of which the storage's id is not known. */
export function unknownMembers(names: readonly string[]): readonly Member[] {
  return names.map((name) => ({ name, id: '' }));
}

export function namesOf(members: Iterable<Member>): string {
  return [...members]
    .map(({ name }) => JSON.stringify(name))
    .sort()
    .join(', ');
}
