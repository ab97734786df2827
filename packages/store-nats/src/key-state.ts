import type { Message } from './messages.ts';

/** What a key's last message says. The fields of its header are: the write's id, the kind of value, the time it expires. */
export interface KeyState {
  /** 0: there is no message. */
  readonly sequence: number;
  /** The sequence of its last change; the message may have been moved since. */
  readonly revision: number;
  readonly deleted: boolean;
  /** Milliseconds since the Unix epoch; infinite for those without. */
  readonly expires: number;
}

export const NO_KEY: KeyState = { sequence: 0, revision: 0, deleted: true, expires: Number.POSITIVE_INFINITY };

export function stateOf(message: Pick<Message, 'sequence' | 'revision' | 'fields'> | undefined): KeyState {
  if (message === undefined) return NO_KEY;
  const { sequence, revision, fields } = message;
  return { sequence, revision, deleted: fields[1] === 'd', expires: fields[2] === undefined ? Number.POSITIVE_INFINITY : Number(fields[2]) };
}

export function isExpired({ deleted, expires }: KeyState, now: number): boolean {
  return !deleted && expires <= now;
}

/** How long the key has left, as an entry says it: of one that stays, nothing. */
export function timeLeft({ expires }: KeyState, now: number): { readonly ttlMs?: number } {
  return Number.isFinite(expires) ? { ttlMs: Math.max(1, expires - now) } : {};
}

/** The key's revision for its users: 0 when it is deleted or has expired. */
export function revisionOf(state: KeyState, now: number): number {
  return state.deleted || isExpired(state, now) ? 0 : state.revision;
}
