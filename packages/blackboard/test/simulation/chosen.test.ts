import {
  ConflictError,
  createMemoryKeyValueStore,
  InvalidInputError,
  type KeyValueStore,
  type Store,
  UnavailableError,
  UnknownOutcomeError,
} from '@meshwork/core';
import { checkLinearizable, type KeyValueInput, keyValueModel, type RegisterOutput, recordOperations } from '@meshwork/testing/linearizability';
import { type Machine, runSeeds, type Simulation } from '@meshwork/testing/simulation';
import { expect, it } from 'vitest';
import { type Blackboard, type Board, createKeyValueStrongStore, type Entry, type StrongStore } from '../../src/index.ts';
import { createRecordReader } from '../../src/replica/record.ts';
import { remoteStore } from '../strong/remote-store.ts';
import { board, converge, createWorld, someFaults, type World } from './simulated-hubs.ts';

const keys = Array.from({ length: 8 }, (_, at) => `free/${at}`);
const limits = { maxKeyLength: 1_024, maxValueLength: 1_048_576 };
const STRONG = `blackboard/strong/${board}/`;
const RECORD = '\u0000level/';

type Level = 'eventual' | 'strong';

/** The shared store, and what it ever held: which levels were recorded, and which keys had a register. */
function watchedStore() {
  const shared = createMemoryKeyValueStore();
  const recorded = new Map<string, Set<unknown>>();
  const registers = new Set<string>();
  const store: KeyValueStore = {
    ...shared,
    async put(place, value, options) {
      const answer = await shared.put(place, value, options);
      const key = place.slice(STRONG.length);
      const { json } = value as { json?: string };
      const keyOfRecord = key.slice(RECORD.length);
      // Whoever confirms that a key is absent puts a deletion there.
      if (json !== undefined && key.startsWith(RECORD)) recorded.set(keyOfRecord, (recorded.get(keyOfRecord) ?? new Set()).add(json));
      else if (json !== undefined) registers.add(key);
      return answer;
    },
  };
  return { store, recorded, registers };
}

/** Machines that the shared store is away from, now and then for a while. */
function outages({ random, elapse }: Simulation, names: readonly string[]) {
  const away = new Set<string>();
  let isOver = false;
  return {
    over: ({ name }: Machine, store: KeyValueStore): KeyValueStore => {
      const refuse = () => {
        if (away.has(name)) throw new UnavailableError('the store is on the other side');
      };
      return {
        ...store,
        async get(key) {
          refuse();
          return store.get(key);
        },
        async put(key, value, options) {
          refuse();
          return store.put(key, value, options);
        },
      };
    },
    async make(): Promise<void> {
      while (!isOver) {
        await elapse(random.between(50, 600));
        if (isOver) return;
        const name = random.pick(names);
        if (!away.delete(name)) away.add(name);
      }
    },
    end() {
      isOver = true;
      away.clear();
    },
  };
}

/** A strong store that does not look for what became of a compare-and-set: now and then nobody knows, and it may happen later. */
function forgetful(store: StrongStore, { random }: Machine): StrongStore {
  return {
    ...store,
    async compareAndSet(write, expected, options) {
      if (!random.chance(0.15)) return store.compareAndSet(write, expected, options);
      const work = () => store.compareAndSet(write, expected, { signal: AbortSignal.timeout(2_000) });
      if (random.chance(0.3)) await work().catch(() => {});
      else if (random.chance(0.6)) setTimeout(() => void work().catch(() => {}), random.between(1, 300));
      throw new UnknownOutcomeError('the answer is lost');
    },
  };
}

function createTrial() {
  const answered = new Map<string, Set<string>>(keys.map((key) => [key, new Set()]));
  const didNotHappen = (error: unknown) =>
    error instanceof UnavailableError || error instanceof InvalidInputError || (error instanceof ConflictError && error.details?.level !== undefined);
  return { answered, recorder: recordOperations<KeyValueInput, RegisterOutput>({ didNotHappen }), counts: { done: 0, refused: 0, asides: 0 }, lastValue: 0 };
}

type Trial = ReturnType<typeof createTrial>;

/** Whoever tells of a key tells its level. */
function note({ answered }: Trial, entry: Entry | undefined): Entry | undefined {
  if (entry !== undefined) answered.get(entry.key)?.add(entry.level);
  return entry;
}

/** A client that creates, writes and reads keys at random hubs, with levels as it likes, and knows of no key what others chose. */
async function use({ simulation: { random, elapse }, hubs }: World, client: string, trial: Trial): Promise<void> {
  const { recorder, counts } = trial;
  const perform = async (hub: (typeof hubs)[number], input: KeyValueInput, work: (board: Board) => Promise<RegisterOutput>): Promise<void> => {
    try {
      await recorder.perform(client, input, () => hub.call((blackboard: Blackboard) => work(blackboard.board(board))));
      counts.done += 1;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      const { details } = error as ConflictError;
      if (error instanceof ConflictError && details?.level !== undefined) trial.answered.get(String(details.key))?.add(String(details.level));
      counts.refused += 1;
    }
  };
  const timeoutMs = 1_500;
  let last: Entry | undefined;
  for (let at = 0; at < 16; at++) {
    await elapse(random.between(1, 80));
    const hub = random.pick(hubs);
    // All come to the same new keys at about the same time, and back to old ones.
    const newest = Math.min(keys.length, 1 + Math.floor(at / 2));
    const key = random.chance(0.6) ? keys[newest - 1]! : random.pick(keys.slice(0, newest));
    trial.lastValue += 1;
    const value = trial.lastValue;
    const level = random.pick<Level | undefined>(['eventual', 'strong', undefined]);
    const options = { timeoutMs, ...(level !== undefined && { level }), ...(level === 'eventual' && random.chance(0.3) && { ttlMs: 400 }) };
    const read = (from: Board) => from.get(key, { timeoutMs }).then((entry) => note(trial, entry));
    const draw = random.next();
    if (draw < 0.3)
      await perform(hub, { type: 'write', key, value }, async (to) => {
        const entry = note(trial, await to.set(key, value, options));
        if (level !== undefined) expect(entry?.level, `what ${client} named for ${key}`).toBe(level);
        return undefined;
      });
    else if (draw < 0.5) {
      let seen: Entry | undefined;
      await perform(hub, { type: 'read', key }, async (from) => {
        seen = await read(from);
        return seen?.value as RegisterOutput;
      });
      const expected = seen?.value as RegisterOutput;
      await perform(random.pick(hubs), { type: 'cas', key, expected, value }, async (to) => {
        try {
          note(trial, await to.compareAndSet(key, seen?.version, value, { timeoutMs }));
          return true;
        } catch (error) {
          if (error instanceof ConflictError && error.details?.level === undefined) return false;
          throw error;
        }
      });
    } else if (draw < 0.6) await perform(hub, { type: 'write', key, value: undefined }, async (to) => void (await to.delete(key, { timeoutMs })));
    else if (draw < 0.7) {
      // Of what is not for level strong nothing happens to keys of that level.
      counts.asides += 1;
      const entry = last;
      const [name, work] = random.pick<readonly [string, (to: Board) => Promise<unknown>]>([
        ['increment', (to) => to.increment(key, 1, { timeoutMs }).then((one) => note(trial, one))],
        ['add', (to) => to.add(key, 1, { timeoutMs }).then((one) => note(trial, one))],
        ['remove', (to) => to.remove(key, 1, { timeoutMs })],
        ['resolve', (to) => to.resolve(key, value, { timeoutMs }).then((one) => note(trial, one))],
        ['merge', (to) => (entry === undefined ? Promise.resolve() : to.merge([entry]))],
      ]);
      await hub
        .call((blackboard) => work(blackboard.board(board)))
        .catch((error: unknown) => {
          if (!(error instanceof Error && 'code' in error)) throw new Error(`${name} failed`, { cause: error });
        });
    } else if (draw < 0.8)
      await hub
        .call(async (blackboard) => {
          for (const entry of await blackboard.board(board).list('', { timeoutMs })) {
            expect(keys).toContain(note(trial, entry)?.key);
            if (entry.level === 'eventual' && entry.kind === 'register') last = entry;
          }
        })
        .catch((error: unknown) => {
          if (!(error instanceof Error && 'code' in error)) throw error;
        });
    else
      await perform(hub, { type: 'read', key }, async (from) => {
        const entry = await read(from);
        return entry?.value as RegisterOutput;
      });
  }
}

/** Keys of which this disk ever held a version: its whole log, which is never trimmed here. */
async function versionedOn(disk: Store, name: string): Promise<Set<string>> {
  const found = new Set<string>();
  const stream = `blackboard/${name}/${board}/log`;
  const reader = createRecordReader(stream, limits);
  let next = 1;
  for await (const { offset, value } of disk.read(stream)) {
    expect(offset, 'the log is whole').toBe(next++);
    const record = reader.read(value);
    if (record?.type === 'delta') for (const { key } of record.delta.entries) if (!key.startsWith('\u0000')) found.add(key);
  }
  return found;
}

/** What the board says in the end, which may take a while. */
async function insist<T>({ simulation: { elapse, now } }: World, hub: World['hubs'][number], ask: (from: Board) => Promise<T>): Promise<T> {
  for (const end = now() + 60_000; ; ) {
    try {
      return await hub.call((blackboard) => ask(blackboard.board(board)));
    } catch (error) {
      if (now() > end) throw error;
      await elapse(300);
    }
  }
}

/** All hubs say and list the same of all keys. */
async function everywhere(world: World, trial: Trial): Promise<void> {
  const timeoutMs = 5_000;
  const said = await Promise.all(
    world.hubs.map(async (hub) => {
      const entries = await Promise.all(keys.map((key) => insist(world, hub, (from) => from.get(key, { timeoutMs }))));
      const listed = await insist(world, hub, (from) => from.list('', { timeoutMs }));
      for (const entry of entries) note(trial, entry);
      const show = (entry: Entry | undefined) => (entry === undefined ? [] : [`${entry.key} ${entry.level} ${JSON.stringify(entry.value)}`]);
      expect(listed.flatMap(show), `what ${hub.name} lists once all is well`).toEqual(entries.flatMap(show));
      return entries.flatMap(show);
    }),
  );
  for (const one of said) expect(one, 'what hubs say once all is well').toEqual(said[0]);
}

it('a key has one level for good, whoever chose it on which side of what is cut', { timeout: 300_000 }, async () => {
  const sums = { chosen: 0, strong: 0, done: 0, refused: 0, asides: 0 };
  let runs = 0;
  await runSeeds({
    seeds: 200,
    async run({ seed, maxFaults }) {
      const { store, recorded, registers } = watchedStore();
      const disks = new Map<string, Store>();
      const trial = createTrial();
      let cuts: ReturnType<typeof outages> | undefined;
      const strong = (machine: Machine): StrongStore => {
        disks.set(machine.name, machine.disk);
        const reached = cuts?.over(machine, remoteStore(store, machine)) ?? remoteStore(store, machine);
        return forgetful(createKeyValueStrongStore({ name: machine.name, board, store: reached, ids: machine.ids, confirmReads: seed % 4 === 0 }), machine);
      };
      const lateHubs = seed % 3 === 0 ? 1 : 0;
      const world = createWorld({
        seed,
        maxFaults,
        hubs: 3,
        lateHubs,
        settings: { rules: [{ prefix: 'free/', level: 'chosen' }] },
        strong,
        minLogBytes: 100_000_000,
      });
      const { simulation, hubs } = world;
      cuts = outages(simulation, ['hub0', 'hub1', 'hub2', 'hub3']);
      await simulation.run(async () => {
        await simulation.elapse(300);
        simulation.nemesis(someFaults);
        const making = maxFaults > 0 ? cuts?.make() : undefined;
        const late = simulation.elapse(900).then(() => lateHubs > 0 && world.join());
        await Promise.all(['ada', 'bob', 'cem', 'eve'].map((client) => use(world, client, trial)));
        cuts?.end();
        await Promise.all([making, late]);
        simulation.heal();
        await converge(world);
        await everywhere(world, trial);
        const versioned = new Set<string>();
        for (const { name } of hubs) for (const key of await versionedOn(disks.get(name)!, name)) versioned.add(key);
        for (const key of keys) {
          const levels = [...(recorded.get(key) ?? [])];
          expect(levels.length, `${key} was chosen once`).toBeLessThanOrEqual(1);
          const [level] = levels.map((json) => JSON.parse(json as string) as Level);
          if (versioned.has(key)) expect(level, `${key} has versions`).toBe('eventual');
          if (registers.has(key)) expect(level, `${key} has a register`).toBe('strong');
          expect(
            [...(trial.answered.get(key) ?? [])].filter((one) => one !== level),
            `levels told of ${key}, which is ${level}`,
          ).toEqual([]);
          sums.chosen += level === undefined ? 0 : 1;
          sums.strong += level === 'strong' ? 1 : 0;
        }
      });
      const ofStrong = trial.recorder.history().filter(({ input: { key } }) => recorded.get(key)?.has('"strong"') === true);
      const result = checkLinearizable(keyValueModel(), ofStrong);
      if (result.verdict === 'violated') throw new Error(`not linearizable:\n${result.counterexample.timeline}`);
      expect(result.verdict).toBe('linearizable');
      sums.done += trial.counts.done;
      sums.refused += trial.counts.refused;
      sums.asides += trial.counts.asides;
      runs += 1;
    },
  });
  if (runs > 20) {
    expect(sums.strong / sums.chosen, 'both levels are chosen').toBeGreaterThan(0.25);
    expect(sums.strong / sums.chosen).toBeLessThan(0.75);
    expect(sums.done, 'most goes well').toBeGreaterThan(sums.refused);
  }
});
