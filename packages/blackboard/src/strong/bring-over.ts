import { UnavailableError } from '@meshwork/core';
import { askMembers, type Granted, type SendToMember } from './ask-members.ts';
import { type Epoch, type Member, majorityOf, markOf } from './epoch.ts';
import { compareTags, laterOf, type Register } from './register.ts';
import type { StrongRequest } from './strong-message.ts';

export interface BringOverOptions {
  readonly from: Epoch;
  readonly to: Epoch;
  readonly send: SendToMember;
  readonly resendMs: number;
  readonly signal: AbortSignal;
}

type Held = ReadonlyMap<string, Register>;

const PAGE = 1_000;
const PAGE_LENGTH = 512 * 1_024;

/**
 * Freezes a majority of an epoch, and gives all they have to a majority of the next: the later of each register. Whatever was acknowledged before is among it, and
 * nothing is acknowledged in the old epoch afterwards. Costs all registers in memory. @throws {UnavailableError}
 */
export async function bringOver({ from, to, send, resendMs, signal }: BringOverOptions): Promise<void> {
  const epoch = markOf(from);
  const ending = new AbortController();
  const until = AbortSignal.any([signal, ending.signal]);
  /** One member is asked until it answers. */
  const ask = async (member: Member, request: StrongRequest): Promise<Granted> => {
    const answers = await askMembers([member], { send, resendMs, signal: until, wanted: 1, requestFor: () => request });
    const answer = answers?.get(member);
    if (answer === undefined) throw new UnavailableError(`${JSON.stringify(member.name)} takes no part in the change of members; try again later`);
    return answer;
  };
  const takeFrom = async (member: Member): Promise<readonly [Member, Held]> => {
    await ask(member, { kind: 'freeze', to: member.id, epoch });
    const held = new Map<string, Register>();
    for (let after: string | undefined; ; ) {
      const page = await ask(member, { kind: 'range', prefix: '', after, limit: PAGE, isCopy: true, to: member.id, epoch });
      if (page.kind !== 'registers') throw new UnavailableError(`${JSON.stringify(member.name)} gives no registers; update its hub`);
      for (const register of page.registers) held.set(register.key, register);
      after = page.registers.at(-1)?.key;
      if (page.isLast || after === undefined) return [member, held];
    }
  };
  const giveTo = async (member: Member, registers: readonly Register[]): Promise<void> => {
    for (const page of pagesOf(registers)) await ask(member, { kind: 'take', registers: page, to: member.id, epoch });
    // Also who is given nothing has to be there, with the storage that is meant.
    if (registers.length === 0) await ask(member, { kind: 'take', registers: [], to: member.id, epoch });
  };

  try {
    const taken = new Map(await firstOf(majorityOf(from), from.members.map(takeFrom)));
    const latest = new Map<string, Register>();
    for (const held of taken.values()) for (const [key, register] of held) latest.set(key, laterOf(latest.get(key), register) ?? register);
    const lackedBy = (member: Member): Register[] => {
      const held = [...taken].find(([{ id }]) => id === member.id)?.[1];
      return [...latest.values()].filter(({ key, tag }) => compareTags(tag, held?.get(key)?.tag) > 0);
    };
    await firstOf(
      majorityOf(to),
      to.members.map((member) => giveTo(member, lackedBy(member))),
    );
  } finally {
    ending.abort();
  }
}

/** In the order of their keys, as a message has them. */
function* pagesOf(registers: readonly Register[]): Generator<readonly Register[]> {
  let page: Register[] = [];
  let length = 0;
  for (const register of [...registers].sort((one, other) => (one.key < other.key ? -1 : 1))) {
    page.push(register);
    length += register.key.length + (register.json?.length ?? 0) + 100;
    if (page.length < PAGE && length < PAGE_LENGTH) continue;
    yield page;
    page = [];
    length = 0;
  }
  if (page.length > 0) yield page;
}

/** The first so many that are kept; the failure of the one that makes so many impossible. */
function firstOf<T>(count: number, promises: readonly Promise<T>[]): Promise<readonly T[]> {
  return new Promise((resolve, reject) => {
    const kept: T[] = [];
    let failed = 0;
    for (const promise of promises)
      promise.then(
        (value) => {
          kept.push(value);
          if (kept.length === count) resolve([...kept]);
        },
        (error) => {
          failed += 1;
          if (failed === promises.length - count + 1) reject(error);
        },
      );
  });
}
