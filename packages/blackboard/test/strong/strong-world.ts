import { createQuorumStore, type QuorumStore, type StrongReading, type StrongStore } from '@meshwork/blackboard';
import { ConflictError, type KeyValueStore, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import {
  checkLinearizable,
  type KeyValueInput,
  keyValueModel,
  type OperationRecorder,
  type RegisterOutput,
  recordOperations,
} from '@meshwork/testing/linearizability';
import type { Machine, Random, SimulatedNode, Simulation } from '@meshwork/testing/simulation';

export const board = 'plans';

export type Recorder = OperationRecorder<KeyValueInput, RegisterOutput>;

export function recordStrong(): Recorder {
  return recordOperations<KeyValueInput, RegisterOutput>({ didNotHappen: (error) => error instanceof UnavailableError });
}

export interface HubOptions {
  readonly members: readonly string[];
  /** The shared record of members, as this machine reaches it. */
  readonly epochs?: (machine: Machine) => KeyValueStore;
}

/** A hub's program: its part of one board. */
export function hubProgram({ members, epochs }: HubOptions) {
  return async (machine: Machine): Promise<QuorumStore> => {
    const { name, disk, network, ids } = machine;
    const record = epochs?.(machine);
    const store = await createQuorumStore({ name, board, members, store: disk, links: network.link, ids, ...(record && { epochs: record }) });
    network.listen({ answer: (from, message) => store.answer(from, message) });
    return store;
  };
}

export interface ClientOptions {
  readonly recorder: Recorder;
  readonly keys: readonly string[];
  readonly operations: number;
  readonly patienceMs?: number;
  /** How often it compares and sets, of all operations. Default 0. */
  readonly compareAndSets?: number;
  /** Longest time from one operation to the next, in milliseconds. Default 200. */
  readonly pauseMs?: number;
}

let lastValue = 0;

/** Reads, writes and deletes at random, at random hubs, and writes down what came of it. What fails is one of the two stated errors. */
export async function runClient(
  name: string,
  simulation: Simulation,
  nodes: () => readonly SimulatedNode<StrongStore>[],
  { recorder, keys, operations, patienceMs = 3_000, pauseMs = 200, compareAndSets = 0 }: ClientOptions,
): Promise<void> {
  const random: Random = simulation.random.fork(name);
  for (let index = 0; index < operations; index++) {
    await simulation.elapse(random.between(1, pauseMs));
    const node = random.pick(nodes());
    const key = random.pick(keys);
    const draw = random.next();
    const signal = AbortSignal.timeout(patienceMs);
    lastValue += 1;
    const value = random.chance(0.8) ? lastValue : undefined;
    if (random.chance(compareAndSets)) {
      const seen = await perform(recorder, name, { type: 'read', key }, () => node.call((store) => store.read(key, { signal })));
      if (seen === 'failed') continue;
      const input = { type: 'cas', key, expected: seen?.value as RegisterOutput, value } as const;
      const expected = seen?.value === undefined ? undefined : seen.version;
      await perform(recorder, name, input, () => node.call((store) => store.compareAndSet({ key, value, writer: name, time: 0 }, expected, { signal })));
    } else if (draw < 0.5) {
      await perform(recorder, name, { type: 'write', key, value }, () => node.call((store) => store.write({ key, value, writer: name, time: 0 }, { signal })));
    } else await perform(recorder, name, { type: 'read', key }, () => node.call((store) => store.read(key, { signal })));
  }
}

/** Writes down what the model calls its output, and gives what the store gave. Fails with none but the stated errors. */
async function perform(
  recorder: Recorder,
  name: string,
  input: KeyValueInput,
  work: () => Promise<StrongReading | undefined>,
): Promise<StrongReading | undefined | 'failed'> {
  let reading: StrongReading | undefined;
  const observe = async (): Promise<RegisterOutput> => {
    try {
      reading = await work();
    } catch (error) {
      if (input.type === 'cas' && error instanceof ConflictError) return false;
      throw error;
    }
    if (input.type === 'read') return reading?.value as RegisterOutput;
    return input.type === 'cas' ? true : undefined;
  };
  try {
    await recorder.perform(name, input, observe);
    return reading;
  } catch (error) {
    if (error instanceof UnavailableError || error instanceof UnknownOutcomeError) return 'failed';
    throw error;
  }
}

/** Each hub reads each key: everything is well again, within a minute. */
export async function readEverywhere(simulation: Simulation, nodes: readonly SimulatedNode<StrongStore>[], { recorder, keys }: ClientOptions): Promise<void> {
  const end = simulation.now() + 60_000;
  for (const node of nodes)
    for (const key of keys) {
      const read = () => node.call((store) => store.read(key, { signal: AbortSignal.timeout(30_000) }));
      while ((await perform(recorder, `last at ${node.name}`, { type: 'read', key }, read)) === 'failed') {
        if (simulation.now() > end) throw new Error(`${node.name} cannot read ${key} although everything is well again`);
        await simulation.elapse(500);
      }
    }
}

export function refuseWhatIsNotLinearizable(recorder: Recorder): void {
  const result = checkLinearizable(keyValueModel(), recorder.history());
  if (result.verdict === 'violated') throw new Error(`not linearizable:\n${result.counterexample.timeline}`);
  if (result.verdict === 'unknown') throw new Error(`the history of ${result.partitions.join()} is too long to be checked; make it shorter`);
}
