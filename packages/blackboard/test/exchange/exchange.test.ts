import { createMemoryStore, type Store } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { decodeMessage, encodeMessage, kinds } from '../../src/exchange/message.ts';
import { type Blackboard, type BlackboardOptions, type BoardSettings, createBlackboard, type PeerLink } from '../../src/index.ts';
import { backupOf } from '../backup-of.ts';

const board = 'plans';

function openHub(name: string, options: Partial<BlackboardOptions> = {}, settings: BoardSettings = {}): Promise<Blackboard> {
  return createBlackboard({ name, store: createMemoryStore(), place: name, boards: { [board]: settings }, allowVolatile: true, ...options });
}

function linkTo(from: Blackboard, to: Blackboard, seen: Uint8Array[] = []): PeerLink {
  return {
    peer: to.name,
    async request(message) {
      const answer = await to.peer.answer({ name: from.name }, message);
      seen.push(message, answer);
      return answer;
    },
    send: () => {},
  };
}

const isEqual = async (...hubs: readonly Blackboard[]) => new Set(await Promise.all(hubs.map(async (hub) => (await hub.status(board)).digest))).size === 1;

describe('an exchange', () => {
  it('is enough in one direction, when only one side can reach the other', async () => {
    await using one = await openHub('one');
    await using two = await openHub('two');
    await two.board(board).set('theirs', 1);
    one.connect(linkTo(one, two));
    await one.board(board).set('mine', 2);
    await one.board(board).sync();
    for (const hub of [one, two]) expect((await hub.board(board).list('')).map(({ key }) => key)).toEqual(['mine', 'theirs']);
  });

  it('follows a write at once, without waiting for the next round', async () => {
    await using one = await openHub('one', { syncEveryMs: 1_000_000 });
    await using two = await openHub('two', { syncEveryMs: 1_000_000 });
    one.connect(linkTo(one, two));
    await one.board(board).sync();
    const change = two.board(board).watch('')[Symbol.asyncIterator]().next();
    await one.board(board).set('a', 1);
    expect((await change).value).toMatchObject({ key: 'a', after: { value: 1 } });
  });

  it('carries more than fits into one page', async () => {
    await using one = await openHub('one', { syncEveryMs: 1_000_000 });
    await using two = await openHub('two', { syncEveryMs: 1_000_000 });
    await using three = await openHub('three', { syncEveryMs: 1_000_000 });
    const text = 'x'.repeat(9_000);
    await Promise.all(Array.from({ length: 100 }, (_, at) => one.board(board).set(`key/${at}`, { at, text })));
    one.connect(linkTo(one, two));
    three.connect(linkTo(three, two));
    await one.board(board).sync();
    await three.board(board).sync();
    expect(await isEqual(one, two, three)).toBe(true);
    expect((await three.board(board).list('')).length).toBe(100);
  });

  it('of hubs that have the same costs a few hundred bytes, however much they have', async () => {
    await using one = await openHub('one', { syncEveryMs: 1_000_000 });
    await using two = await openHub('two', { syncEveryMs: 1_000_000 });
    const seen: Uint8Array[] = [];
    one.connect(linkTo(one, two, seen));
    await Promise.all(Array.from({ length: 1_000 }, (_, at) => one.board(board).set(`key/${at}`, at)));
    await one.board(board).sync();
    await one.board(board).sync();
    seen.length = 0;
    await one.board(board).sync();
    expect(seen).toHaveLength(2);
    expect(seen.reduce((bytes, message) => bytes + message.length, 0)).toBeLessThan(1_000);
  });

  it('does not happen between hubs with other levels, and both are told why', async () => {
    await using one = await openHub('one');
    await using two = await openHub('two', {}, { level: 'session' });
    const lost = vi.fn();
    one.events.on('peer-lost', lost);
    one.connect(linkTo(one, two));
    await one.board(board).set('a', 1);
    await expect(one.board(board).sync()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      details: { peers: [{ peer: 'two', reason: expect.stringContaining('level rules') }] },
    });
    expect(await two.board(board).get('a')).toBeUndefined();
    expect(lost).toHaveBeenCalledWith(expect.objectContaining({ peer: 'two', board }));
    expect((await one.status(board)).peers).toMatchObject([{ peer: 'two', isReached: false, reason: expect.stringContaining('level rules') }]);
  });

  it('compares everything only where all was exchanged, and not what is on its way to a disk', async () => {
    const slow = (): Store => {
      const store = createMemoryStore();
      return { ...store, append: (...given) => new Promise((resolve) => setTimeout(resolve, 1)).then(() => store.append(...given)) };
    };
    await using one = await openHub('one', { syncEveryMs: 1_000_000, store: slow() });
    await using two = await openHub('two', { syncEveryMs: 1_000_000, store: slow() });
    const seen: Uint8Array[] = [];
    two.connect(linkTo(two, one, seen));
    await two.board(board).sync();
    seen.length = 0;
    for (let round = 0; round < 50; round++) {
      const synced = two.board(board).sync();
      for (let turns = round % 8; turns > 0; turns--) await null;
      const written = [one.board(board).set('a', round), two.board(board).set('b', round)];
      await Promise.all([synced, ...written]);
      await two.board(board).sync();
    }
    const wholes = seen.map((message) => decodeMessage(message, {})).filter((message) => message.kind === 'compare');
    expect(wholes).toEqual([]);
    expect(await isEqual(one, two)).toBe(true);
  });

  it('does not happen with oneself', async () => {
    await using one = await openHub('one');
    one.connect(linkTo(one, one));
    await expect(one.board(board).sync()).rejects.toMatchObject({ details: { peers: [{ reason: expect.stringContaining('this hub itself') }] } });
  });

  it('takes what a hub with a fast clock wrote, but not its time', async () => {
    const [right, fast] = [manualClock(), manualClock()];
    fast.advance(3_600_000);
    await using one = await openHub('one', { clock: fast });
    await using two = await openHub('two', { clock: right });
    const refused = vi.fn();
    two.events.on('clock-refused', refused);
    await one.board(board).set('a', 'early');
    two.connect(linkTo(two, one));
    await two.board(board).sync();
    expect(refused).toHaveBeenCalledWith(expect.objectContaining({ board, aheadMs: expect.any(Number) }));
    const entry = await two.board(board).set('a', 'late');
    expect(Date.parse(entry.updatedAt)).toBe(right.now());
    await two.board(board).sync();
    // The cause decides, and not the time.
    for (const hub of [one, two]) expect(await hub.board(board).get('a')).toMatchObject({ value: 'late', conflicts: 0 });
  });
});

describe('a hub that was away for too long', () => {
  it('is waited for no more, and comes back without bringing back what was deleted', async () => {
    vi.useFakeTimers();
    try {
      const clock = manualClock();
      const options = { clock, syncEveryMs: 1_000, maxAbsenceMs: 60_000 };
      const store = createMemoryStore();
      const kept: Store = { ...store, close: async () => {} };
      await using one = await openHub('one', options);
      await using two = await openHub('two', options);
      one.connect(linkTo(one, two));
      let away = await openHub('away', { ...options, store: kept });
      const end = away.connect(linkTo(away, one));
      await one.board(board).set('gone', 1);
      await one.board(board).set('stays', 1);
      await away.board(board).sync();
      await away.board(board).set('written by away', 1);
      end();
      await away.close();
      away = await openHub('away', { ...options, store: kept });
      await away.board(board).set('written while away', 1);
      const retired = vi.fn();
      one.events.on('replica-retired', retired);
      await one.board(board).delete('gone');
      for (let round = 0; round < 100; round++) {
        clock.advance(1_000);
        await vi.advanceTimersByTimeAsync(1_000);
      }
      expect(retired).toHaveBeenCalled();
      // The deletion is forgotten: two entries are left, and three members.
      expect(await one.status(board)).toMatchObject({ keys: 2, versions: 5 });
      expect(await away.board(board).get('gone')).toMatchObject({ value: 1 });
      const link = linkTo(away, one);
      let hellos = 0;
      away.connect({
        ...link,
        async request(message, how) {
          // One exchange has to be enough: nobody reads it when the second begins.
          if (message[1] === kinds.hello && ++hellos > 1) expect(await away.board(board).get('gone')).toBeUndefined();
          return link.request(message, how);
        },
      });
      await away.board(board).sync();
      expect(hellos).toBeGreaterThan(1);
      // It had retired the others just as they it, so that all have something to catch up with.
      for (let round = 0; round < 20; round++) {
        clock.advance(1_000);
        await vi.advanceTimersByTimeAsync(1_000);
      }
      for (const hub of [one, two, away]) {
        const keys = (await hub.board(board).list('')).map(({ key }) => key);
        expect(keys).toEqual(['stays', 'written by away', 'written while away']);
        expect((await hub.status(board)).members.map(({ state }) => state)).toEqual(['active', 'active', 'active']);
      }
      await away.close();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a summary in place of everything', () => {
  const value = (at: number) => ({
    task: `task ${at}`,
    status: at % 3 === 0 ? 'open' : 'done',
    note: [Math.sin, Math.cos, Math.tan, Math.atan].map((of) => of(at)).join(' '),
  });
  const bytesOf = (seen: readonly Uint8Array[]) => seen.reduce((bytes, message) => bytes + message.length, 0);

  it('is what a hub with 20,000 keys comes back by, when 200 of them changed or went, and their deletion was forgotten', { timeout: 120_000 }, async () => {
    vi.useFakeTimers();
    try {
      const clock = manualClock();
      const options = { clock, syncEveryMs: 1_000, maxAbsenceMs: 60_000, minLogBytes: 100_000_000 };
      const pass = async (seconds: number) => {
        for (let second = 0; second < seconds; second++) {
          clock.advance(1_000);
          await vi.advanceTimersByTimeAsync(1_000);
        }
      };
      await using one = await openHub('one', options);
      await using two = await openHub('two', options);
      await using away = await openHub('away', options);
      await Promise.all(Array.from({ length: 20_000 }, (_, at) => one.board(board).set(`key/${at}`, value(at))));
      one.connect(linkTo(one, two));
      await one.board(board).sync();
      const first: Uint8Array[] = [];
      const end = away.connect(linkTo(away, one, first));
      await away.board(board).sync();
      end();
      for (let at = 0; at < 100; at++) {
        await two.board(board).set(`key/${at * 150}`, 'changed');
        await one.board(board).delete(`key/${at * 150 + 75}`);
      }
      await pass(100);
      for (let at = 0; at < 20; at++) await away.board(board).set(`key/${at * 700 + 1}`, 'written away');
      await away.board(board).set('fresh', 1);
      // 19,900 entries and three members: the deletions are forgotten.
      expect(await one.status(board)).toMatchObject({ keys: 19_900, versions: 19_903 });
      const back: Uint8Array[] = [];
      away.connect(linkTo(away, one, back));
      await away.board(board).sync();
      await pass(20);
      expect(await isEqual(one, two, away)).toBe(true);
      expect(back.map((message) => message[1])).toContain(kinds.compare);
      expect(bytesOf(back)).toBeLessThan(bytesOf(first) / 5);
      for (const hub of [one, two, away]) {
        expect(await hub.status(board)).toMatchObject({ keys: 19_901, versions: 19_904 });
        expect((await hub.board(board).get('key/14850'))?.value).toBe('changed');
        expect(await hub.board(board).get('key/14925')).toBeUndefined();
        expect((await hub.board(board).get('key/13301'))?.value).toBe('written away');
        expect((await hub.board(board).get('fresh'))?.value).toBe(1);
      }
    } finally {
      vi.useRealTimers();
    }
  });

  it('finds the one key in which two differ that have seen the same, and both become equal', async () => {
    // Two disks of one hub before it was first seen: one name, and dots that stand for two writes.
    const options = { syncEveryMs: 20, minLogBytes: 100_000_000 };
    const store = createMemoryStore();
    await using peer = await openHub('peer', options);
    const origin = await openHub('one', { ...options, store: { ...store, close: async () => {} } });
    await Promise.all(Array.from({ length: 2_000 }, (_, at) => origin.board(board).set(`key/${at}`, value(at))));
    await origin.close();
    const copy = await backupOf(store);
    const [one, other] = [await openHub('one', { ...options, store }), await openHub('one', { ...options, store: copy })];
    await one.board(board).set('key/7', 'of one');
    await other.board(board).set('key/7', 'of the other');
    // The peer gets the one's write, and meets the other under its name.
    const end = one.connect(linkTo(one, peer));
    await one.board(board).sync();
    end();
    await one.close();
    const seen: Uint8Array[] = [];
    await using third = await openHub('third', options);
    other.connect(linkTo(other, third));
    await other.board(board).sync();
    await other.close();
    const link = linkTo(third, peer, seen);
    const before: number[] = [];
    third.connect({
      ...link,
      async request(message, how) {
        const answer = await link.request(message, how);
        if (message[1] !== kinds.compare) return answer;
        // Comes too late to be compared, at both.
        const { replica, vector } = await third.status(board);
        before.push(vector[replica] ?? 0);
        await third.board(board).set('key/8', 'of the third');
        await peer.board(board).set('key/9', 'of the peer');
        return answer;
      },
    });
    await vi.waitFor(async () => expect(await isEqual(third, peer)).toBe(true), { timeout: 20_000, interval: 10 });
    expect((await third.board(board).list('')).length).toBe(2_000);
    for (const hub of [third, peer]) {
      expect([(await hub.board(board).get('key/8'))?.value, (await hub.board(board).get('key/9'))?.value]).toEqual(['of the third', 'of the peer']);
    }
    const { replica } = await third.status(board);
    const wholes = seen.map((message) => decodeMessage(message, {})).filter((message) => message.kind === 'push' && message.whole !== undefined);
    expect(wholes.map((message) => message.kind === 'push' && message.whole?.upTo.get(replica))).toEqual(before.slice(0, wholes.length));
    expect(wholes.length).toBeGreaterThan(0);
    // What was exchanged about it: a summary, and two dozen entries at most.
    const compared = seen.slice(seen.findLastIndex((message) => message[1] === kinds.compare));
    const kindsOf = compared.map((message) => message[1]);
    expect(kindsOf.slice(0, 4)).toEqual([kinds.compare, kinds.compared, kinds.pull, kinds.page]);
    expect(compared[3]!.length).toBeLessThan(4_000);
    await using fresh = await openHub('fresh', options);
    const first: Uint8Array[] = [];
    fresh.connect(linkTo(fresh, peer, first));
    await fresh.board(board).sync();
    expect(bytesOf(compared.slice(0, 6))).toBeLessThan(bytesOf(first) / 5);
  });
});

describe('an absence', () => {
  it('is counted across restarts of who waits', async () => {
    vi.useFakeTimers();
    try {
      const clock = manualClock();
      const options = { clock, syncEveryMs: 1_000, maxAbsenceMs: 60_000, store: { ...createMemoryStore(), close: async () => {} } };
      const pass = async (seconds: number) => {
        for (let second = 0; second < seconds; second++) {
          clock.advance(1_000);
          await vi.advanceTimersByTimeAsync(1_000);
        }
      };
      const states = async (hub: Blackboard) => (await hub.status(board)).members.map(({ name, state }) => `${name} ${state}`).sort();
      let hub = await openHub('one', options);
      const away = await openHub('away', { clock, syncEveryMs: 1_000 });
      away.connect(linkTo(away, hub));
      await away.board(board).sync();
      await away.close();
      for (const [seconds, state] of [
        [25, 'active'],
        [25, 'active'],
        [12, 'retired'],
      ] as const) {
        await pass(seconds);
        expect(await states(hub)).toEqual([`away ${state}`, 'one active']);
        await hub.close();
        hub = await openHub('one', options);
      }
      await hub.close();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a member', () => {
  const options = { syncEveryMs: 1_000, maxAbsenceMs: 30_000 };
  const pass = async (clock: ReturnType<typeof manualClock>, seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1_000);
      await vi.advanceTimersByTimeAsync(1_000);
    }
  };

  it('that speaks is present, also when its clock was far ahead before a restart', async () => {
    vi.useFakeTimers();
    try {
      const clock = manualClock();
      const store: Store = { ...createMemoryStore(), close: async () => {} };
      await using one = await openHub('one', { ...options, clock });
      const retired = vi.fn();
      one.events.on('replica-retired', retired);
      let two = await openHub('two', { ...options, clock, store });
      clock.jump(86_400_000);
      two.connect(linkTo(two, one));
      await two.board(board).sync();
      await two.close();
      clock.jump(-86_400_000);
      two = await openHub('two', { ...options, clock, store });
      two.connect(linkTo(two, one));
      await pass(clock, 100);
      expect(retired).not.toHaveBeenCalled();
      await two.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it('that lost its disk before anybody knew it is not waited for for ever', async () => {
    vi.useFakeTimers();
    try {
      const clock = manualClock();
      await using one = await openHub('one', { ...options, clock });
      await using two = await openHub('two', { ...options, clock });
      two.connect(linkTo(two, one));
      const ghost = await openHub('three', { ...options, clock });
      const link = linkTo(ghost, one);
      ghost.connect({ ...link, request: async (message, how) => (message[1] === kinds.push ? Promise.reject(new Error('cut')) : link.request(message, how)) });
      await expect(ghost.board(board).sync()).rejects.toThrow();
      await ghost.close();
      await one.board(board).set('a', 1);
      await two.board(board).sync();
      await one.board(board).delete('a');
      await pass(clock, 20);
      // It could have got the value.
      expect((await one.status(board)).versions).toBe(3);
      await pass(clock, 100);
      for (const hub of [one, two]) expect((await hub.status(board)).versions).toBe(2);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a deletion', () => {
  it('is forgotten once all have it, also when a clock was far ahead before a restart', async () => {
    const clock = manualClock();
    const store: Store = { ...createMemoryStore(), close: async () => {} };
    await using one = await openHub('one', { clock, syncEveryMs: 10 });
    let two = await openHub('two', { clock, syncEveryMs: 10, store });
    await one.board(board).set('a', 1);
    clock.jump(86_400_000);
    two.connect(linkTo(two, one));
    await two.board(board).sync();
    await two.close();
    clock.jump(-86_400_000);
    two = await openHub('two', { clock, syncEveryMs: 10, store });
    two.connect(linkTo(two, one));
    await one.board(board).delete('a');
    await vi.waitFor(
      async () => {
        for (const hub of [one, two]) expect(await hub.status(board)).toMatchObject({ keys: 0, versions: 2 });
      },
      { timeout: 20_000, interval: 10 },
    );
    await two.close();
  });
});

describe('a backup that was brought back', () => {
  const options = { syncEveryMs: 20, minLogBytes: 1_000 };
  const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 10 });

  it('goes on under another name, and loses neither what peers have of before nor what it wrote since', async () => {
    const store = createMemoryStore();
    // The copy is made while the hub runs: no snapshot comes in between.
    let hub = await openHub('one', { ...options, minLogBytes: 1_000_000, store });
    await using peer = await openHub('peer', options);
    await hub.board(board).increment('count', 1);
    const backup = await backupOf(store);
    hub.connect(linkTo(hub, peer));
    await hub.board(board).increment('count', 10);
    await hub.board(board).set('before', 1);
    await hub.board(board).sync();
    await hub.close();
    hub = await openHub('one', { ...options, store: backup });
    const renamed = vi.fn();
    hub.events.on('replica-renamed', renamed);
    await hub.board(board).increment('count', 100);
    await hub.board(board).set('since', 1);
    hub.connect(linkTo(hub, peer));
    await until(async () => {
      for (const one of [hub, peer]) {
        expect((await one.board(board).list('')).map(({ key, value }) => [key, value])).toEqual([
          ['before', 1],
          ['count', 111],
          ['since', 1],
        ]);
      }
    });
    expect(renamed).toHaveBeenCalledTimes(1);
    await hub.close();
  });

  it('beside the one it was made of becomes another replica, also at the same place', async () => {
    const store = createMemoryStore();
    const first = await openHub('one', { ...options, store: { ...store, close: async () => {} } });
    await first.board(board).set('a', 1);
    await first.close();
    const copy = await backupOf(store);
    await using one = await openHub('one', { ...options, store });
    await using two = await openHub('one', { ...options, store: copy });
    expect((await one.status(board)).replica).toBe((await two.status(board)).replica);
    await one.board(board).set('of one', 1);
    await two.board(board).set('of two', 1);
    one.connect(linkTo(one, two));
    two.connect(linkTo(two, one));
    await until(async () => {
      for (const hub of [one, two]) expect((await hub.board(board).list('')).map(({ key }) => key)).toEqual(['a', 'of one', 'of two']);
    });
    expect((await one.status(board)).replica).not.toBe((await two.status(board)).replica);
  });

  it('of which nobody knows anything more ends with what the others have', async () => {
    const [mine, theirs] = [createMemoryStore(), createMemoryStore()];
    const open = async () =>
      [
        await openHub('one', { ...options, store: { ...mine, close: async () => {} } }),
        await openHub('peer', { ...options, store: { ...theirs, close: async () => {} } }),
      ] as const;
    let [hub, peer] = await open();
    await hub.board(board).set('gone', 1);
    hub.connect(linkTo(hub, peer));
    await hub.board(board).sync();
    const backup = await backupOf(mine);
    await peer.board(board).delete('gone');
    await peer.board(board).set('stays', 1);
    await until(async () => {
      expect(await hub.status(board)).toMatchObject({ keys: 1, versions: 3 });
      expect(await peer.status(board)).toMatchObject({ keys: 1, versions: 3 });
    });
    // So many that a snapshot takes the place of the log.
    for (let at = 0; at < 30; at++) await peer.board(board).set('stays', at);
    await Promise.all([hub.close(), peer.close()]);
    // The peer has forgotten the deletion, and who had it.
    peer = (await open())[1];
    hub = await openHub('one', { ...options, store: backup });
    expect(await hub.board(board).get('gone')).toMatchObject({ value: 1 });
    hub.connect(linkTo(hub, peer));
    await until(async () => {
      for (const one of [hub, peer]) expect((await one.board(board).list('')).map(({ key }) => key)).toEqual(['stays']);
    });
    await Promise.all([hub.close(), peer.close()]);
  });
});

describe('a hostile message', () => {
  it('is refused, and changes nothing', async () => {
    await using one = await openHub('one', { syncEveryMs: 1_000_000 });
    await using two = await openHub('two', { syncEveryMs: 1_000_000 });
    const seen: Uint8Array[] = [];
    await one.board(board).set('a', { n: 1, text: 'one' });
    await one.board(board).increment('count', 3);
    await one.board(board).add('tags', 'x');
    one.connect(linkTo(one, two, seen));
    await one.board(board).sync();
    const victim = await openHub('victim', { syncEveryMs: 1_000_000 });
    const messages = seen.filter((_, at) => at % 2 === 0);
    const spoilt = fc
      .record({ message: fc.constantFrom(...messages), at: fc.nat(), byte: fc.nat(255), cut: fc.option(fc.nat(), { freq: 4 }) })
      .map(({ message, at, byte, cut }) => {
        const copy = message.slice();
        copy[at % copy.length] = byte;
        return { copy: cut === null ? copy : copy.slice(0, cut % copy.length), message };
      })
      .filter(({ copy, message }) => copy.length !== message.length || copy.some((byte, at) => byte !== message[at]));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          spoilt.map(({ copy }) => copy),
          fc.uint8Array({ maxLength: 200 }),
        ),
        async (bytes) => {
          try {
            await victim.peer.answer({ name: 'eve' }, bytes);
          } catch (error) {
            expect(['INVALID_INPUT', 'NOT_FOUND', 'CONFLICT', 'UNAVAILABLE']).toContain((error as { code?: string }).code);
            return;
          }
        },
      ),
      { numRuns: 3_000 },
    );
    expect(await victim.board(board).set('still', 'works')).toMatchObject({ value: 'works' });
    await victim.close();
  });

  it('that claims to have compared is refused, and deletes nothing', async () => {
    await using one = await openHub('one', { syncEveryMs: 1_000_000 });
    await using victim = await openHub('victim', { syncEveryMs: 1_000_000 });
    await using two = await openHub('two', { syncEveryMs: 1_000_000 });
    const seen: Uint8Array[] = [];
    await victim.board(board).set('a', 1);
    one.connect(linkTo(one, two, seen));
    await one.board(board).sync();
    const push = seen.map((message) => decodeMessage(message, {})).find((message) => message.kind === 'push');
    if (push?.kind !== 'push') throw new Error('nothing was pushed');
    const { digest } = await victim.status(board);
    const whole = { comparison: 'eve/1', buckets: new Uint8Array(128).fill(255), upTo: new Map([['eve', 1_000_000]]) };
    await expect(victim.peer.answer({ name: 'eve' }, encodeMessage({ ...push, whole }))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const compare = encodeMessage({ board, kind: 'compare', replica: 'eve', sums: new Uint32Array(2_048) });
    await expect(victim.peer.answer({ name: 'eve' }, compare)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect((await victim.status(board)).digest).toBe(digest);
  });
});
