import { UnavailableError } from '@meshwork/core';
import { askMembers, type Granted, type SendToMember } from './ask-members.ts';
import { type Epoch, type EpochMark, type Member, majorityOf, markOf } from './epoch.ts';
import type { Epochs } from './epochs.ts';
import { compareTags, laterOf, type Register, type Tag } from './register.ts';
import type { StrongRequest } from './strong-message.ts';

export interface QuorumRegistersOptions {
  readonly epochs: Epochs;
  readonly send: SendToMember;
  readonly resendMs: number;
}

/** A page of registers, and how far it reaches: to the end, or to the key `until`. */
export interface RegisterPage {
  readonly registers: readonly Register[];
  readonly until: string | undefined;
}

/** Milliseconds that a write's last messages may still be on their way when a majority has it. */
const LINGER_MS = 2_000;

/**
 * Atomic registers with many writers and readers, kept by members of which any minority may be away (Attiya, Bar-Noy and Dolev 1995; Lynch and Shvartsman
 * 1997). All of a read comes from a majority, and goes back to a majority unless it has it; a write asks a majority for the latest tag, and gives the next one to a
 * majority. When the members change meanwhile, a step is done again among the new ones, with the tag it had: so a write never takes effect twice.
 */
export class QuorumRegisters {
  readonly #options: QuorumRegistersOptions;

  constructor(options: QuorumRegistersOptions) {
    this.#options = options;
  }

  /** @throws {UnavailableError} */
  read(key: string, signal: AbortSignal): Promise<Register | undefined> {
    return this.#inEpoch(signal, async (epoch) => {
      const answers = await this.#ask(epoch, signal, (addressed) => ({ kind: 'query', key, ...addressed }));
      if (answers === undefined) return undefined;
      const held = new Map([...answers].map(([member, answer]) => [member, registersOf(answer).at(0)]));
      const latest = [...held.values()].reduce(laterOf, undefined);
      return latest === undefined || (await this.#spread(epoch, [{ latest, held }], signal)) ? { value: latest } : undefined;
    });
  }

  /** The tag of a write that is to come after all that has happened to the key. @throws {UnavailableError} nothing was written. */
  nextNumber(key: string, signal: AbortSignal): Promise<number> {
    return this.#inEpoch(signal, async (epoch) => {
      const answers = await this.#ask(epoch, signal, (addressed) => ({ kind: 'query', key, ...addressed }));
      if (answers === undefined) return undefined;
      const tags = [...answers.values()].map((answer): Tag | undefined => registersOf(answer).at(0)?.tag);
      return { value: Math.max(0, ...tags.map((tag) => tag?.number ?? 0)) + 1 };
    });
  }

  /** Gives a register to a majority. @throws {UnavailableError} some may have it all the same. */
  store(register: Register, signal: AbortSignal): Promise<void> {
    return this.#inEpoch(signal, async (epoch) =>
      (await this.#storeAll(epoch, [register], epoch.members, majorityOf(epoch), signal)) ? { value: undefined } : undefined,
    );
  }

  /** Registers under a prefix, deleted ones too, in the order of their keys; each as `read` would give it. @throws {UnavailableError} */
  page(prefix: string, after: string | undefined, { limit, signal }: { readonly limit: number; readonly signal: AbortSignal }): Promise<RegisterPage> {
    return this.#inEpoch(signal, async (epoch) => {
      const answers = await this.#ask(epoch, signal, (addressed) => ({ kind: 'range', prefix, after, limit, isCopy: false, ...addressed }));
      if (answers === undefined) return undefined;
      const until = horizonOf(answers.values());
      const keys = new Map<string, { latest: Register; readonly held: Map<Member, Register | undefined> }>();
      for (const [member, answer] of answers)
        for (const register of registersOf(answer)) {
          if (until !== undefined && register.key > until) break;
          const known = keys.get(register.key) ?? { latest: register, held: new Map([...answers.keys()].map((each) => [each, undefined])) };
          known.held.set(member, register);
          known.latest = laterOf(known.latest, register) ?? register;
          keys.set(register.key, known);
        }
      const inOrder = [...keys.keys()]
        .sort()
        .map((key) => keys.get(key))
        .filter((found) => found !== undefined);
      if (!(await this.#spread(epoch, inOrder, signal))) return undefined;
      return { value: { registers: inOrder.map(({ latest }) => latest), until } };
    });
  }

  /** Until a majority has the latest of each. False when the epoch is over. */
  async #spread(
    epoch: Epoch,
    found: readonly { readonly latest: Register; readonly held: ReadonlyMap<Member, Register | undefined> }[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const lacking = found.filter(({ latest, held }) => [...held.values()].some((register) => compareTags(latest.tag, register?.tag) > 0));
    if (lacking.length === 0) return true;
    const registers = lacking.map(({ latest }) => latest);
    const hasAll = (member: Member) => lacking.every(({ latest, held }) => compareTags(held.get(member)?.tag, latest.tag) === 0);
    const others = epoch.members.filter((member) => !hasAll(member));
    return this.#storeAll(epoch, registers, others, majorityOf(epoch) - (epoch.members.length - others.length), signal);
  }

  async #storeAll(epoch: Epoch, registers: readonly Register[], members: readonly Member[], wanted: number, signal: AbortSignal): Promise<boolean> {
    const { send, resendMs } = this.#options;
    const requestFor = ({ id }: Member): StrongRequest => ({ kind: 'store', registers, to: id, epoch: markOf(epoch) });
    return (await askMembers(members, { send, resendMs, signal, wanted, requestFor, lingerMs: LINGER_MS })) !== undefined;
  }

  #ask(epoch: Epoch, signal: AbortSignal, requestFor: (addressed: { readonly to: string; readonly epoch: EpochMark }) => StrongRequest) {
    const { send, resendMs } = this.#options;
    const mark = markOf(epoch);
    return askMembers(epoch.members, { send, resendMs, signal, wanted: majorityOf(epoch), requestFor: ({ id }) => requestFor({ to: id, epoch: mark }) });
  }

  /** Does the work in the present epoch; in the next one when it answers `undefined`, for the epoch is over. */
  async #inEpoch<T>(signal: AbortSignal, work: (epoch: Epoch) => Promise<{ readonly value: T } | undefined>): Promise<T> {
    const { epochs } = this.#options;
    let epoch = await epochs.current(signal);
    for (;;) {
      try {
        const done = await work(epoch);
        if (done !== undefined) return done.value;
      } catch (error) {
        // Its members may all have been replaced: then the next try finds the new ones.
        epochs.learn().catch(() => {});
        throw error;
      }
      epoch = await epochs.after(epoch, signal);
    }
  }
}

function registersOf(answer: Granted): readonly Register[] {
  if (answer.kind !== 'registers') throw new UnavailableError(`a member answered ${answer.kind} when it was asked for registers; update its hub`);
  return answer.registers;
}

/** The key up to which all pages reach; `undefined`: all of them reach the end. */
function horizonOf(answers: Iterable<Granted>): string | undefined {
  let until: string | undefined;
  for (const answer of answers) {
    const last = registersOf(answer).at(-1)?.key;
    if (answer.kind === 'registers' && !answer.isLast && last !== undefined && (until === undefined || last < until)) until = last;
  }
  return until;
}
