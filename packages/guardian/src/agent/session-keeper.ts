import { type Clock, systemClock } from '@meshwork/core';
import { createSteadyTime } from '../steady-time.ts';
import { type OpenedSession, type OpenSessionOptions, openSession } from './open-session.ts';

export interface SessionKeeperOptions extends OpenSessionOptions {
  /** How long before its end a session is renewed, in milliseconds; half of its life at most. Default 60,000. */
  readonly renewBeforeMs?: number;
  readonly clock?: Clock;
}

/** Has a session token whenever one is needed. It does nothing on its own: there is nothing to close. */
export interface SessionKeeper {
  /**
   * A token that holds: the present one, or that of a new session when none is open or the present one ends soon. Many callers at once open one
   * session. When it cannot be renewed, the present token is given for as long as it holds.
   *
   * @throws {SessionError} when there is no session and none can be opened; what `call` throws.
   */
  token(): Promise<string>;
  /** Forgets the present token, as after a 401: the next call of `token` opens a session. */
  forget(): void;
}

export function createSessionKeeper({ renewBeforeMs = 60_000, clock: given = systemClock, ...options }: SessionKeeperOptions): SessionKeeper {
  // A wall clock that is set back does not make the token last; one that wakes from a sleep says that it is over.
  const clock = createSteadyTime(given);
  let present: { readonly session: OpenedSession; readonly openedAt: number } | undefined;
  let opening: Promise<OpenedSession> | undefined;

  const open = async (): Promise<OpenedSession> => {
    // From before the hub was asked, so that the way back costs nothing of what is believed to be left.
    const openedAt = clock.now();
    const session = await openSession(options);
    present = { session, openedAt };
    return session;
  };
  const openOnce = () => {
    opening ??= open().finally(() => {
      opening = undefined;
    });
    return opening;
  };

  return {
    async token() {
      if (present === undefined) return (await openOnce()).token;
      const { session, openedAt } = present;
      const age = clock.now() - openedAt;
      if (age >= 0 && age < session.lifetimeMs - Math.min(renewBeforeMs, session.lifetimeMs / 2)) return session.token;
      try {
        return (await openOnce()).token;
      } catch (error) {
        const now = clock.now() - openedAt;
        if (now >= 0 && now < session.lifetimeMs && present !== undefined) return session.token;
        throw error;
      }
    },
    forget() {
      present = undefined;
    },
  };
}
