import { MeshworkError, UnavailableError } from '@meshwork/core';
import type { Member } from './epoch.ts';
import type { Refusal, StrongAnswer, StrongRequest } from './strong-message.ts';

/** Brings a request to a member, and its answer back. */
export type SendToMember = (member: Member, request: StrongRequest, signal: AbortSignal) => Promise<StrongAnswer>;

/** An answer that is no refusal. */
export type Granted = Exclude<StrongAnswer, { kind: 'refused' }>;

export interface AskOptions {
  readonly send: SendToMember;
  readonly requestFor: (member: Member) => StrongRequest;
  /** How many answers are enough. */
  readonly wanted: number;
  /** Whether one answer alone is enough. Default: none is. */
  readonly settles?: (answer: Granted) => boolean;
  /** Milliseconds until an unanswered request is sent again; twice as many each time. */
  readonly resendMs: number;
  readonly signal: AbortSignal;
  /** Milliseconds that the others' requests may go on when enough have answered. Default 0. */
  readonly lingerMs?: number;
}

const LONGEST_WAIT_MS = 2_000;

/**
 * Asks members, again and again, until enough of them have answered: the answers by member. `undefined` when one says that the epoch is over.
 * @throws {UnavailableError} when `signal` aborts before; the message says of each other member why it did not count.
 */
export function askMembers(members: readonly Member[], options: AskOptions): Promise<ReadonlyMap<Member, Granted> | undefined> {
  const { send, requestFor, wanted, settles, resendMs, signal, lingerMs = 0 } = options;
  return new Promise((resolve, reject) => {
    const answers = new Map<Member, Granted>();
    const troubles = new Map<Member, string>();
    const timers = new Map<Member, ReturnType<typeof setTimeout>>();
    const asking = new AbortController();
    let isOver = false;

    const end = (settle: () => void) => {
      if (isOver) return;
      isOver = true;
      for (const timer of timers.values()) clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      if (answers.size >= wanted && lingerMs > 0) later(lingerMs, () => asking.abort());
      else asking.abort();
      settle();
    };
    const giveUp = () => end(() => reject(withoutQuorum({ asked: members.length, wanted, answered: answers.size, troubles })));
    const hear = (member: Member, answer: StrongAnswer) => {
      if (isOver) return;
      if (answer.kind !== 'refused') {
        answers.set(member, answer);
        troubles.delete(member);
        clearTimeout(timers.get(member));
        if (answers.size >= wanted || settles?.(answer)) end(() => resolve(answers));
      } else if (answer.reason === 'moved') end(() => resolve(undefined));
      else if (!answers.has(member)) troubles.set(member, reasons[answer.reason]);
    };
    const ask = (member: Member, waitMs: number) => {
      if (isOver || answers.has(member)) return;
      timers.set(
        member,
        setTimeout(() => ask(member, Math.min(LONGEST_WAIT_MS, waitMs * 2)), waitMs),
      );
      // An earlier request may still be answered: it counts as well.
      send(member, requestFor(member), asking.signal).then(
        (answer) => hear(member, answer),
        (error: unknown) => {
          if (!answers.has(member)) troubles.set(member, MeshworkError.isInstance(error) ? error.message : 'it failed');
        },
      );
    };

    for (const member of members) troubles.set(member, 'it did not answer in time');
    if (wanted <= 0) return end(() => resolve(answers));
    if (signal.aborted) return giveUp();
    signal.addEventListener('abort', giveUp);
    for (const member of members) ask(member, resendMs);
  });
}

/** Keeps no process running. */
function later(ms: number, act: () => void): void {
  const timer = setTimeout(act, ms);
  if (typeof timer === 'object' && 'unref' in timer) timer.unref();
}

const reasons: Readonly<Record<Refusal, string>> = {
  stranger: 'it has lost its storage or is no member; admit it again',
  moved: 'its members have changed',
  behind: 'it does not know of this epoch yet',
  different: 'it is set up with other members',
};

interface Lack {
  readonly asked: number;
  readonly wanted: number;
  readonly answered: number;
  readonly troubles: ReadonlyMap<Member, string>;
}

function withoutQuorum({ asked, wanted, answered, troubles }: Lack): UnavailableError {
  const why = [...troubles].map(([{ name }, trouble]) => `${JSON.stringify(name)}: ${trouble}`).join('; ');
  return new UnavailableError(`${answered} of ${asked} members answered in time and ${wanted} are needed (${why}); try again later`, {
    details: { answered, wanted, members: Object.fromEntries([...troubles].map(([{ name }, trouble]) => [name, trouble])) },
  });
}
