import { createQuorumStore, type QuorumStore, type StrongStore } from '@meshwork/blackboard';
import { type KeyValueStore, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
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
  /** Longest time from one operation to the next, in milliseconds. Default 200. */
  readonly pauseMs?: number;
}

let lastValue = 0;

/** Reads, writes and deletes at random, at random hubs, and writes down what came of it. What fails is one of the two stated errors. */
export async function runClient(
  name: string,
  simulation: Simulation,
  nodes: () => readonly SimulatedNode<StrongStore>[],
  { recorder, keys, operations, patienceMs = 3_000, pauseMs = 200 }: ClientOptions,
): Promise<void> {
  const random: Random = simulation.random.fork(name);
  for (let index = 0; index < operations; index++) {
    await simulation.elapse(random.between(1, pauseMs));
    const node = random.pick(nodes());
    const key = random.pick(keys);
    const draw = random.next();
    const signal = AbortSignal.timeout(patienceMs);
    lastValue += 1;
    const value = draw < 0.4 ? lastValue : undefined;
    const input: KeyValueInput = draw < 0.5 ? { type: 'write', key, value } : { type: 'read', key };
    const work = () =>
      node.call(async (store): Promise<RegisterOutput> => {
        if (input.type !== 'read') return void (await store.write({ key, value, writer: name, time: 0 }, { signal }));
        return (await store.read(key, { signal }))?.value as RegisterOutput;
      });
    await recorder.perform(name, input, work).catch((error: unknown) => {
      if (!(error instanceof UnavailableError || error instanceof UnknownOutcomeError)) throw error;
    });
  }
}

/** Each hub reads each key: everything is well again. */
export async function readEverywhere(simulation: Simulation, nodes: readonly SimulatedNode<StrongStore>[], { recorder, keys }: ClientOptions): Promise<void> {
  for (const node of nodes)
    for (const key of keys)
      await recorder.perform(`last at ${node.name}`, { type: 'read', key }, () =>
        node.call(async (store) => (await store.read(key, { signal: AbortSignal.timeout(30_000) }))?.value as RegisterOutput),
      );
  await simulation.elapse(0);
}

export function refuseWhatIsNotLinearizable(recorder: Recorder): void {
  const result = checkLinearizable(keyValueModel(), recorder.history());
  if (result.verdict === 'violated') throw new Error(`not linearizable:\n${result.counterexample.timeline}`);
  if (result.verdict === 'unknown') throw new Error(`the history of ${result.partitions.join()} is too long to be checked; make it shorter`);
}
