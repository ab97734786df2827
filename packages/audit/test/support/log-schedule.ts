import { hash } from 'node:crypto';
import { type AuditLog, audit } from '@meshwork/audit';
import { createHub, createMemoryJournal, inProcessPrincipal, type Journal, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { collect } from '@meshwork/testing';
import { vi } from 'vitest';

const PATIENCE_MS = 100;
const ROUNDS = 4;

/** Chance: a whole number from 0 to `max`. */
export type Draw = (max: number) => number;

export interface Schedule {
  readonly draw: Draw;
  /** How many hubs write to the stream. */
  readonly hubs: number;
  readonly isExclusive: boolean;
  /** Appends arrive in the order they were sent. */
  readonly isOrdered: boolean;
  /** What an append was refused with says that it has not landed and will not; else it may. */
  readonly isHonest: boolean;
  /** No append fails, and none takes longer than is waited. */
  readonly isSteady?: boolean;
}

/** What came of it: the calls that were answered, those the log holds, and whether it holds. */
export interface Played {
  readonly calls: number;
  readonly answered: readonly string[];
  readonly recorded: readonly string[];
  readonly problem: string | undefined;
  readonly errors: readonly unknown[];
  /** Links that do not fit the one before, of records that came when every hub had told of a stranger. */
  readonly brokenSinceTold: number;
  /** After all is over, a call is answered again. */
  readonly isAlive: boolean;
}

/** Plays calls through hubs on a journal that answers when chance lets it, on a clock that only this moves. */
export async function play(schedule: Schedule): Promise<Played> {
  const { draw, hubs: count, isExclusive } = schedule;
  let isCalm = false;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
  try {
    const journal = createMemoryJournal();
    const errors: unknown[] = [];
    let heardAt = Number.POSITIVE_INFINITY;
    const tell = (error: unknown) => {
      errors.push(error);
      if (errors.length === count) void journal.head('audit').then((head) => (heardAt = head));
    };
    const logs: AuditLog[] = Array.from({ length: count }, () =>
      audit({ journal: unsteady(journal, schedule, () => isCalm), isExclusive, patienceMs: PATIENCE_MS, onError: tell }),
    );
    const hubs = logs.map((log) => createHub({ modules: [log, { name: 'm', resources: [{ uri: 'a://b', name: 'b', read: () => ({ text: '' }) }] }] }));
    const answered: string[] = [];
    let calls = 0;
    const call = async (hub: (typeof hubs)[number]) => {
      const id = `p${++calls}`;
      try {
        await hub.call({ kind: 'resource', name: 'a://b', principal: inProcessPrincipal(id), face: 'local' });
        answered.push(id);
        return true;
      } catch {
        return false;
      }
    };
    const under: Promise<unknown>[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const hub of hubs) {
        const at = draw(60);
        const size = 1 + draw(3);
        setTimeout(() => under.push(...Array.from({ length: size }, () => call(hub))), at);
        // The same number again, as close behind as it gets: what forks a chain is two appends of one size.
        setTimeout(() => under.push(...Array.from({ length: size }, () => call(hub))), at + draw(4));
      }
      await vi.advanceTimersByTimeAsync(draw(9) === 0 ? 3 * PATIENCE_MS : 40);
    }
    await vi.advanceTimersByTimeAsync(20 * PATIENCE_MS);
    await Promise.all(under);
    isCalm = true;
    // Of two calls, for the first may be refused while it has the silent journal asked.
    let isAlive = true;
    for (const hub of hubs) {
      const last = [call(hub)];
      await vi.advanceTimersByTimeAsync(20 * PATIENCE_MS);
      last.push(call(hub));
      await vi.advanceTimersByTimeAsync(20 * PATIENCE_MS);
      isAlive &&= (await Promise.all(last)).at(-1) === true;
    }
    const { problem } = await audit({ journal }).verify();
    const links = (await collect(journal.read('audit'))).map(({ value }) => Buffer.from(value as Uint8Array).toString());
    const recorded = links.map((link) => /"id":"(p\d+)"/.exec(link)?.[1] ?? '');
    const isBroken = (link: string, at: number) => link.slice(0, 64) !== sha256(`\u0001${links[at - 1]?.slice(0, 64) ?? '0'.repeat(64)}\n${link.slice(65)}`);
    const brokenSinceTold = links.filter((link, at) => at >= heardAt && isBroken(link, at)).length;
    return { calls, answered, recorded, problem: problem?.message, errors, brokenSinceTold, isAlive };
  } finally {
    vi.useRealTimers();
  }
}

const sha256 = (text: string) => hash('sha256', text, 'hex');

/** A journal far away: what it is asked arrives late, is answered late, and now and then fails, or takes longer than anybody waits. */
function unsteady(inner: Journal, { draw, isOrdered, isHonest, isSteady = false }: Schedule, isCalm: () => boolean): Journal {
  const pass = (longest: number) => new Promise<void>((resolve) => setTimeout(resolve, isCalm() ? 0 : draw(longest)));
  const travel = () => pass(draw(7) === 0 && !isSteady ? 4 * PATIENCE_MS : 6);
  let before: Promise<void> = Promise.resolve();
  return {
    ...inner,
    async append(...args) {
      const arrival = isOrdered ? before.then(travel) : travel();
      before = arrival;
      await arrival;
      const fate = isCalm() || isSteady ? 0 : draw(11);
      if (fate === 1) throw new UnavailableError('the disk is full');
      if (fate === 2 && !isHonest) {
        const landing = travel().then(() => inner.append(...args));
        landing.catch(() => {});
        throw new UnknownOutcomeError('the connection was lost');
      }
      const places = await inner.append(...args);
      await pass(6);
      return places;
    },
    async head(stream) {
      await pass(6);
      const head = await inner.head(stream);
      await pass(6);
      return head;
    },
  };
}
