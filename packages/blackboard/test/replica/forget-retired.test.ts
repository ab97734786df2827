import { createMemoryStore, type Store } from '@meshwork/core';
import { type ManualClock, manualClock } from '@meshwork/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeMessage, kinds } from '../../src/exchange/message.ts';
import { createHybridClock } from '../../src/hybrid-clock.ts';
import { type Blackboard, createBlackboard, type PeerLink } from '../../src/index.ts';
import { createForgetting } from '../../src/replica/forget-retired.ts';
import { type Members, openMembers } from '../../src/replica/members.ts';
import { openReplica } from '../../src/replica/open-replica.ts';
import { recordKey } from '../../src/state/forgotten.ts';
import { writeRecord } from '../../src/state/forgotten-record.ts';
import { backupOf } from '../backup-of.ts';

const board = 'plans';
const maxAbsenceMs = 30_000;

/** A store that outlives who has it open. */
function createDisk(): Store {
  return { ...createMemoryStore(), close: async () => {} };
}

describe('ten thousand replicas that came, wrote, were overwritten and are retired', () => {
  async function open(store: Store, clock: ManualClock) {
    const replica = await openReplica({
      journal: store,
      streams: { log: 'log', snapshot: 'snapshot' },
      place: 'here',
      limits: {},
      clock: createHybridClock(clock),
      ids: (prefix) => `${prefix}_keeper`,
      minLogBytes: 1_000_000_000,
      onError: (error) => expect.fail(String(error)),
      onRenamed: () => {},
    });
    const members = await openMembers({ replica, name: 'keeper', clock, store, key: 'heard', maxAbsenceMs, onRetired: () => {} });
    const forgetting = createForgetting({ replica, members, clock, writer: 'keeper', maxAbsenceMs, forgottenMs: 52 * maxAbsenceMs });
    return { replica, members, forgetting };
  }
  const introductionOf = (replica: string, members: Members) =>
    encodeMessage({ board, kind: 'hello', introduction: { replica, life: 'life', isLacking: false, levels: '', acknowledged: members.tell() } });

  it('leave a vector of the members, a message of some hundred bytes, and some records, also after a restart', async () => {
    const [clock, store] = [manualClock(), createDisk()];
    const { replica, members, forgetting } = await open(store, clock);
    await members.join();
    const jobs = Array.from({ length: 10_000 }, (_, at) => `r_${`${at}`.padStart(21, '0')}`);
    // Each wrote three times, all of it overwritten since.
    const vector = new Map(jobs.map((id) => [id, 3]));
    await replica.merge({ entries: [], context: { vector, cloud: new Map() }, covers: { from: new Map(), to: vector } });
    await Promise.all(jobs.map((id) => members.retire(id)));
    await forgetting.step();
    // They may still come back.
    expect(replica.durable.size).toBe(10_001);
    clock.advance(maxAbsenceMs + 1);
    for (let steps = 0; steps < 3; steps++) await forgetting.step();
    replica.collect(members.stable());
    const me = replica.state.replica;
    const check = ({ replica, members }: Pick<Awaited<ReturnType<typeof open>>, 'replica' | 'members'>) => {
      expect([...replica.durable.keys()]).toEqual([me]);
      expect(members.all().map((member) => member.replica)).toEqual([me]);
      expect(replica.state.versions).toBeLessThan(8);
      expect(introductionOf(me, members).length).toBeLessThan(200);
      expect(replica.state.forgotten.size).toBe(10_000);
      for (const id of jobs) expect(replica.state.forgotten.upTo(id)).toBe(3);
    };
    check({ replica, members });
    // Nothing is left to be done.
    const head = await store.head('log');
    await forgetting.step();
    expect(await store.head('log')).toBe(head);
    const digest = replica.state.digest();
    await replica.close();
    const again = await open(store, clock);
    again.replica.collect(again.members.stable());
    expect(again.replica.state.digest()).toBe(digest);
    check(again);
    await again.replica.close();
  });

  it('stay members when they come back at the last moment', async () => {
    const clock = manualClock();
    const { replica, members, forgetting } = await open(createDisk(), clock);
    await members.join();
    await members.retire('s_quiet');
    clock.advance(maxAbsenceMs + 1);
    const peer = { replica: 'peer', beat: clock.now(), vector: new Map() };
    members.hear([peer]);
    await forgetting.step();
    const version = { key: '\u0000member/s_quiet', replica: 's_quiet', counter: 1, time: replica.time.next(), kind: 'value' as const, writer: 's_quiet' };
    const context = { vector: new Map(replica.durable).set('s_quiet', 1), cloud: new Map() };
    const value = { name: 's_quiet', state: 'active' };
    await replica.merge({ entries: [{ key: version.key, versions: [{ ...version, value }] }], context, covers: { from: new Map(), to: context.vector } });
    for (const id of ['peer', 's_quiet']) members.hear([{ replica: id, beat: peer.beat + 1, vector: replica.durable }]);
    await forgetting.step();
    expect(members.of('s_quiet')?.state).toBe('active');
    await replica.close();
  });

  it('settle themselves what two say of them, as long as they are near', async () => {
    const clock = manualClock();
    const { replica, members } = await open(createDisk(), clock);
    await members.join();
    await members.retire('back');
    const key = '\u0000member/back';
    const version = { key, replica: 'back', counter: 1, time: 1, kind: 'value' as const, value: { name: 'back', state: 'active' }, writer: 'back' };
    const vector = new Map([['back', 1]]);
    await replica.merge({ entries: [{ key, versions: [version] }], context: { vector, cloud: new Map() }, covers: { from: new Map(), to: vector } });
    members.hear([{ replica: 'back', beat: clock.now(), vector }]);
    await members.retireSilent();
    expect(replica.state.versionsOf(key)).toHaveLength(2);
    clock.advance(maxAbsenceMs + 1);
    await members.retireSilent();
    expect(replica.state.versionsOf(key)).toHaveLength(1);
    expect(members.of('back')?.state).toBe('retired');
    await replica.close();
  });

  it('are remembered for a stated time', async () => {
    const clock = manualClock();
    const { replica, members, forgetting } = await open(createDisk(), clock);
    await members.join();
    const vector = new Map([['gone', 3]]);
    await replica.merge({ entries: [], context: { vector, cloud: new Map() }, covers: { from: new Map(), to: vector } });
    await members.retire('gone');
    clock.advance(maxAbsenceMs + 1);
    await forgetting.step();
    clock.advance(52 * maxAbsenceMs);
    await forgetting.step();
    expect(replica.state.forgotten.upTo('gone')).toBe(3);
    clock.advance(1);
    await forgetting.step();
    replica.collect(members.stable());
    expect(replica.state.forgotten.size).toBe(0);
    expect(replica.state.versions).toBe(1);
    await replica.close();
  });

  it('include who forgot others, once it is gone itself', async () => {
    const clock = manualClock();
    const { replica, members, forgetting } = await open(createDisk(), clock);
    await members.join();
    const record = writeRecord({ at: clock.now(), replicas: new Map([['gone', 3]]) });
    const version = { key: recordKey(1, 'other'), replica: 'other', counter: 1, time: 1, kind: 'value' as const, value: record, writer: 'other' };
    const vector = new Map([['other', 1]]);
    await replica.merge({
      entries: [{ key: version.key, versions: [version] }],
      context: { vector, cloud: new Map() },
      covers: { from: new Map(), to: vector },
    });
    await members.retire('other');
    clock.advance(maxAbsenceMs + 1);
    for (let steps = 0; steps < 5; steps++) await forgetting.step();
    expect([...replica.durable.keys()]).toEqual([replica.state.replica]);
    expect(['gone', 'other'].map((id) => replica.state.forgotten.upTo(id))).toEqual([3, 1]);
    await replica.close();
  });

  it('stay while they have written something that counts, or all that present ones had is not on every disk', async () => {
    const clock = manualClock();
    const { replica, members, forgetting } = await open(createDisk(), clock);
    await members.join();
    const version = { key: 'a', replica: 'gone', counter: 3, time: 1, kind: 'value' as const, value: 1, writer: 'w' };
    const vector = new Map([['gone', 3]]);
    await replica.merge({ entries: [{ key: 'a', versions: [version] }], context: { vector, cloud: new Map() }, covers: { from: new Map(), to: vector } });
    await members.retire('gone');
    clock.advance(maxAbsenceMs + 1);
    await forgetting.step();
    expect(replica.durable.get('gone')).toBe(3);
    await replica.write('a', (state) => state.set('a', 2, { time: replica.time.next(), writer: 'w' }));
    const peer = { replica: 'peer', beat: clock.now(), vector: new Map(replica.durable) };
    await replica.write('b', (state) => state.set('b', 2, { time: replica.time.next(), writer: 'w' }));
    members.hear([peer]);
    await forgetting.step();
    await forgetting.step();
    expect(replica.durable.get('gone')).toBe(3);
    members.hear([{ ...peer, beat: peer.beat + 1, vector: new Map(replica.durable) }]);
    await forgetting.step();
    expect(replica.durable.has('gone')).toBe(false);
    expect(replica.state.forgotten.upTo('gone')).toBe(3);
    // Nor in what is said of others, whoever does not know yet.
    const told = () => members.tell().flatMap((one) => [...one.vector.keys()]);
    expect(told()).not.toContain('gone');
    members.hear([{ ...peer, beat: peer.beat + 2 }]);
    expect(members.tell()).toHaveLength(2);
    expect(told()).not.toContain('gone');
    await replica.close();
  });
});

describe('a hub that is forgotten', () => {
  let clock: ManualClock;
  const hubs: Blackboard[] = [];

  beforeEach(() => {
    vi.useFakeTimers();
    clock = manualClock();
  });
  afterEach(async () => {
    await Promise.all(hubs.splice(0).map((hub) => hub.close()));
    vi.useRealTimers();
  });

  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1_000);
      await vi.advanceTimersByTimeAsync(1_000);
    }
  };
  const openHub = async (name: string, store: Store = createDisk(), onError: (error: unknown) => void = () => {}) => {
    const options = { syncEveryMs: 1_000, maxAbsenceMs, forgottenMs: 100 * maxAbsenceMs, minLogBytes: 1_000_000, allowVolatile: true };
    const hub = await createBlackboard({ ...options, name, place: name, store, clock, onError, boards: { [board]: {} } });
    hubs.push(hub);
    return hub;
  };
  const linkTo = (from: Blackboard, to: Blackboard): PeerLink => ({
    peer: to.name,
    request: (message) => to.peer.answer({ name: from.name }, message),
    send: () => {},
  });
  /** Waits for work that takes no time but that of its timers. */
  const during = async <T>(work: Promise<T>): Promise<T> => {
    await pass(3);
    return work;
  };

  /** A hub that wrote and went, two that have overwritten it and forgotten it; and what it had on disk early on, and in the end. */
  async function forgetOne() {
    const [one, two] = [await openHub('one'), await openHub('two')];
    one.connect(linkTo(one, two));
    const disk = createDisk();
    const gone = await openHub('gone', disk);
    await gone.board(board).set('early', 'before the backup');
    const backup = await backupOf(disk, createDisk());
    gone.connect(linkTo(gone, one));
    const session = gone.board(board).session();
    for (let at = 0; at < 9; at++) await session.set('a', at);
    await during(gone.board(board).sync());
    const { replica } = await gone.status(board);
    const { token } = session;
    await gone.close();
    await one.board(board).set('a', 'of one');
    await two.board(board).delete('early');
    await pass(70);
    for (const hub of [one, two]) {
      const { vector, members, forgotten, keys, versions } = await hub.status(board);
      expect(vector).not.toHaveProperty([replica]);
      expect({ members: members.length, forgotten, keys, versions }).toEqual({ members: 2, forgotten: 1, keys: 1, versions: 4 });
    }
    return { one, two, disk, backup, token, replica };
  }

  it('does not join by a restart, before it has compared', async () => {
    const { one, disk, replica } = await forgetOne();
    let gone = await openHub('gone', disk);
    const link = linkTo(one, gone);
    one.connect({ ...link, request: (message, how) => (message[1] === kinds.compare ? Promise.reject(new Error('cut')) : link.request(message, how)) });
    await pass(5);
    await gone.close();
    gone = await openHub('gone', disk);
    const { members, forgotten } = await gone.status(board);
    expect(forgotten).toBe(1);
    expect(members.map((member) => member.replica)).not.toContain(replica);
  });

  it('says so when it was away for longer than it is remembered', async () => {
    const { one, disk } = await forgetOne();
    const open = async () => {
      const onError = vi.fn();
      const gone = await openHub('gone', disk, onError);
      await gone.close();
      return onError;
    };
    clock.jump(50 * maxAbsenceMs);
    expect(await open()).not.toHaveBeenCalled();
    clock.jump(50 * maxAbsenceMs);
    expect(await open()).toHaveBeenCalledWith(expect.objectContaining({ code: 'CONFLICT', message: expect.stringContaining('empty store') }));
    expect((await one.status(board)).forgotten).toBe(1);
  });

  it('is no reason to make a session wait that has seen what it wrote', async () => {
    const { one, token, replica } = await forgetOne();
    const late = await openHub('late');
    late.connect(linkTo(late, one));
    await during(late.board(board).sync());
    for (const hub of [one, late]) {
      const session = hub.board(board).session(token);
      expect((await session.get('a', { timeoutMs: 100 }))?.value).toBe('of one');
      expect(atob(session.token.replaceAll('-', '+').replaceAll('_', '/'))).not.toContain(replica);
    }
    expect(atob(token.replaceAll('-', '+').replaceAll('_', '/'))).toContain(replica);
  });

  it.for(['asks', 'is asked'])('comes back under its name with what it wrote away, and without what was deleted, when it %s', async (how) => {
    const { one, two, disk, replica } = await forgetOne();
    const gone = await openHub('gone', disk);
    // Nobody waits for it before it has compared.
    const standings: boolean[] = [];
    const watched = (link: PeerLink): PeerLink => ({
      ...link,
      async request(message, given) {
        if (message[1] === kinds.compare) standings.push((await one.status(board)).members.some((member) => member.replica === replica));
        return link.request(message, given);
      },
    });
    await gone.board(board).set('away', 1);
    expect((await gone.board(board).list('')).map(({ key }) => key)).toEqual(['a', 'away', 'early']);
    if (how === 'asks') gone.connect(watched(linkTo(gone, one)));
    else one.connect(watched(linkTo(one, gone)));
    await pass(10);
    expect(standings[0]).toBe(false);
    for (const hub of [one, two, gone]) {
      expect((await hub.board(board).list('')).map(({ key, value }) => [key, value])).toEqual([
        ['a', 'of one'],
        ['away', 1],
      ]);
      const { members } = await hub.status(board);
      expect(members.find((member) => member.replica === replica)?.state).toBe('active');
      expect(members).toHaveLength(3);
    }
  });

  it.for(['asks', 'is asked'])('and comes back as a backup is told in the first exchange, when it %s, and loses nothing that it wrote since', async (how) => {
    const { one, backup, replica } = await forgetOne();
    const gone = await openHub('gone', backup);
    const renamed = vi.fn();
    gone.events.on('replica-renamed', renamed);
    expect((await gone.status(board)).replica).toBe(replica);
    // Under a dot that stands for another write.
    await gone.board(board).set('fresh', 1);
    if (how === 'asks') {
      gone.connect(linkTo(gone, one));
      await during(gone.board(board).sync());
    } else {
      one.connect(linkTo(one, gone));
      await during(one.board(board).sync());
    }
    expect(renamed).toHaveBeenCalledTimes(1);
    await gone.board(board).set('later', 1);
    await pass(5);
    for (const hub of [one, gone]) expect((await hub.board(board).list('')).map(({ key }) => key)).toEqual(['a', 'fresh', 'later']);
  });
});
