import { type Epoch, type EpochMark, isMark, markOf } from './epoch.ts';
import type { MemberLog } from './member-log.ts';
import type { Register } from './register.ts';
import type { Addressed, StrongAnswer, StrongRequest } from './strong-message.ts';

export interface QuorumMemberOptions {
  readonly log: MemberLog;
  /** Whether an epoch that somebody offers is one of ours; `undefined`: epochs are not offered, they are on record. */
  readonly fits: ((epoch: Epoch) => boolean) | undefined;
  /** Looks for an epoch that is later than the one known, and writes it down. */
  readonly learn: () => Promise<void>;
  /** A key was written. */
  readonly onChange: (key: string) => void;
}

/** A page of an answer is full at about so many characters. */
const PAGE_LENGTH = 512 * 1_024;

/** The part of a hub that keeps registers: answers what members are asked, each time from what is on disk. */
export class QuorumMember {
  readonly #options: QuorumMemberOptions;
  /** Above what is on disk while it is being written: whatever is asked from then on comes too late. */
  #freezing = 0;
  /** The epoch that was offered first, while it is being written down too. */
  #accepted: EpochMark | undefined;

  constructor(options: QuorumMemberOptions) {
    this.#options = options;
  }

  /** @throws {UnavailableError} or {@link UnknownOutcomeError} when the disk fails: ask again. */
  async answer(request: StrongRequest): Promise<StrongAnswer> {
    const { log, learn } = this.#options;
    const { state } = log;
    if (request.kind === 'hello') return this.#greet(request);
    if (request.to !== state.id) return { kind: 'refused', reason: 'stranger' };
    if (request.epoch.number > (state.epoch?.number ?? 0)) await learn();
    switch (request.kind) {
      case 'query':
        return this.#refusalOf(request) ?? registers([state.read(request.key)].filter((register) => register !== undefined));
      case 'range':
        return (request.isCopy ? this.#copyRefusalOf(request.epoch) : this.#refusalOf(request)) ?? this.#pageOf(request);
      case 'store':
        return this.#refusalOf(request) ?? this.#keep(request.registers);
      case 'take':
        // Whatever the epoch: what was written once may come late.
        return this.#keep(request.registers);
      case 'freeze':
        return this.#freeze(request.epoch);
    }
  }

  async #greet({ epoch: offered, isFormed = false }: Extract<StrongRequest, { kind: 'hello' }>): Promise<StrongAnswer> {
    const { log, fits } = this.#options;
    const { state } = log;
    if (offered !== undefined && fits?.(offered) && offered.members.some(({ id }) => id === state.id)) {
      // Once written down it is never given up: others may be counting on it.
      this.#accepted ??= markOf(state.epoch ?? offered);
      if (isMark(this.#accepted, markOf(offered)) && (state.epoch === undefined || (isFormed && !state.isFormed)))
        await log.append([{ kind: 'epoch', epoch: offered, isFormed }]);
    }
    return { kind: 'member', id: state.id, epoch: state.epoch, isFormed: state.isFormed };
  }

  #refusalOf({ epoch }: Addressed): StrongAnswer | undefined {
    const { state } = this.#options.log;
    const own = state.epoch;
    if (epoch.number <= Math.max(state.frozen, this.#freezing)) return { kind: 'refused', reason: 'moved' };
    if (own === undefined || epoch.number > own.number) return { kind: 'refused', reason: 'behind' };
    if (epoch.number < own.number) return { kind: 'refused', reason: 'moved' };
    if (!isMark(epoch, markOf(own))) return { kind: 'refused', reason: 'different' };
    if (!own.members.some(({ id }) => id === state.id)) return { kind: 'refused', reason: 'stranger' };
    // Nobody asks in an epoch that he does not know to be formed.
    if (!state.isFormed) this.#noteFormed(own);
    return undefined;
  }

  #noteFormed(epoch: Epoch): void {
    this.#options.log.append([{ kind: 'epoch', epoch, isFormed: true }]).catch(() => {
      // The next one who asks says so again.
    });
  }

  #copyRefusalOf({ number }: EpochMark): StrongAnswer | undefined {
    return this.#options.log.state.frozen >= number ? undefined : { kind: 'refused', reason: 'behind' };
  }

  #pageOf({ prefix, after, limit }: Extract<StrongRequest, { kind: 'range' }>): StrongAnswer {
    const page: Register[] = [];
    let length = 0;
    for (const register of this.#options.log.state.range(prefix, after)) {
      if (page.length >= limit || length > PAGE_LENGTH) return { kind: 'registers', registers: page, isLast: false };
      page.push(register);
      length += register.key.length + (register.json?.length ?? 0) + 100;
    }
    return registers(page);
  }

  async #keep(offered: readonly Register[]): Promise<StrongAnswer> {
    const { log, onChange } = this.#options;
    const fresh = offered.filter((register) => log.state.lacks(register));
    if (fresh.length > 0) await log.append(fresh.map((register) => ({ kind: 'register', register })));
    for (const { key } of fresh) onChange(key);
    return { kind: 'done' };
  }

  async #freeze({ number }: EpochMark): Promise<StrongAnswer> {
    const { log } = this.#options;
    if (number > (log.state.epoch?.number ?? 0)) return { kind: 'refused', reason: 'behind' };
    // At once, so that whatever is still taken is written before it, and copied.
    this.#freezing = Math.max(this.#freezing, number);
    if (log.state.frozen < number) await log.append([{ kind: 'frozen', number }]);
    return { kind: 'done' };
  }
}

function registers(page: readonly Register[]): StrongAnswer {
  return { kind: 'registers', registers: page, isLast: true };
}
