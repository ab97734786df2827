import { createRoster, type Enrolled, type Principal } from '@meshwork/core';
import type { PlainRequest, PlainResponse } from './plain-http.ts';

/** Why something that was kept open for a caller may not go on. */
export type StandingEnd = 'expired' | 'withdrawn';

/** What people and programs are told of it. */
export const endedBecause: Readonly<Record<StandingEnd, string>> = {
  expired: 'the key or token this was opened with has expired; open it again with a new one',
  withdrawn: 'the key or token this was opened with is not known to this hub any more; open it again with another',
};

/** Something that is kept open for a caller: a connection, or a stream of events. */
interface Lasting {
  /** The request it was opened with, to be looked at again. */
  readonly request: PlainRequest;
  /** Who that was then. */
  readonly principal: Principal;
  /** Called once, when it has to end. */
  readonly onEnd: (why: StandingEnd) => void;
  /** Called when the same caller may do something else than before. */
  readonly onChange?: (principal: Principal) => void;
}

/** Keeps an eye on the credentials of all that stays open. */
export interface Standings {
  /** Watches one until the function returned is called. */
  watch(lasting: Lasting): () => void;
  close(): void;
}

export interface StandingsOptions {
  /** Who sent a request, as the door says now. */
  readonly look: (request: PlainRequest) => Promise<Principal | PlainResponse>;
  /** Says whose credentials have ended before their time. Default: nobody does. */
  readonly onWithdrawn?: ((listener: (principalId: string | undefined) => void) => () => void) | undefined;
  /** Milliseconds within which each is looked at again. */
  readonly everyMs: number;
  readonly onError: (error: unknown) => void;
  /** 0 to 1. Default `Math.random`. */
  readonly random?: () => number;
}

/** Milliseconds until another look at what has expired by this clock, and is still let in by that of whoever issued it. */
const SOON_MS = 1_000;

/**
 * What was let in once ends no later than its credential: at the time the credential says, as soon as the authenticator tells that it was
 * withdrawn, and within `everyMs` of when it would not be let in again. While nobody can be asked, what was good stays so until it expires.
 */
export function createStandings({ look, onWithdrawn, everyMs, onError, random = Math.random }: StandingsOptions): Standings {
  const watched = createRoster<Watched>();
  const end = (one: Watched, why: StandingEnd) => {
    release(one);
    one.onEnd(why);
  };
  const release = (one: Watched) => {
    if (one.isOver) return;
    one.isOver = true;
    clearTimeout(one.timer);
    watched.delete(one);
  };
  const lookAgain = async (one: Watched): Promise<void> => {
    clearTimeout(one.timer);
    const turn = ++one.turn;
    const now = await look(one.request);
    if (one.isOver || turn !== one.turn) return;
    if ('status' in now) {
      if (isPast(one.principal)) return end(one, 'expired');
      return now.status === 503 ? wait(one) : end(one, 'withdrawn');
    }
    if (now.id !== one.principal.id || now.kind !== one.principal.kind) return end(one, 'withdrawn');
    one.principal = now;
    one.onChange?.(now);
    wait(one);
  };
  const wait = (one: Watched) => {
    if (one.isOver) return;
    // Not all at one time, when many came at one time.
    const period = everyMs * (0.5 + random() / 2);
    const left = (one.principal.expiresAt ?? Number.POSITIVE_INFINITY) - Date.now();
    const delay = Math.min(period, left > 0 ? left : SOON_MS);
    one.timer = setTimeout(() => void lookAgain(one).catch(onLookFailed(one)), delay);
    if (typeof one.timer === 'object' && 'unref' in one.timer) one.timer.unref();
  };
  const onLookFailed = (one: Watched) => (error: unknown) => {
    onError(error);
    wait(one);
  };
  const stop = onWithdrawn?.((principalId) => {
    for (const one of watched.members()) if (principalId === undefined || one.principal.id === principalId) void lookAgain(one).catch(onLookFailed(one));
  });

  return {
    watch({ request, principal, onEnd, onChange }) {
      const one: Watched = { place: 0, request, principal, onEnd, onChange, turn: 0, isOver: false, timer: undefined };
      watched.add(one);
      wait(one);
      return () => release(one);
    },
    close() {
      stop?.();
      for (const one of watched.members()) release(one);
    },
  };
}

interface Watched extends Enrolled {
  readonly request: PlainRequest;
  readonly onEnd: Lasting['onEnd'];
  readonly onChange: Lasting['onChange'];
  principal: Principal;
  /** Of two looks under way at once the later one counts. */
  turn: number;
  isOver: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}

function isPast({ expiresAt }: Principal): boolean {
  return expiresAt !== undefined && Date.now() >= expiresAt;
}
