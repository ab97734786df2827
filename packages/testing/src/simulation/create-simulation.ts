import { type Agenda, createAgenda } from './agenda.ts';
import { type Chronicle, createChronicle } from './chronicle.ts';
import { createNemesis, type Nemesis, type NemesisOptions } from './nemesis.ts';
import { createRandom, type Random } from './random.ts';
import { createSimulatedClock } from './simulated-clock.ts';
import { createSimulatedDisk, type DiskConditions } from './simulated-disk.ts';
import { createSimulatedNetwork, type NetworkConditions, type SimulatedNetwork } from './simulated-network.ts';
import { createSimulatedNode, type Machine, type SimulatedNode } from './simulated-node.ts';
import { takeOverGlobals } from './virtual-globals.ts';

export interface SimulationOptions {
  /** Everything that happens by chance comes from it. */
  readonly seed: number;
  /** Default: 1 to 10 ms, nothing lost, nothing twice. */
  readonly network?: Partial<NetworkConditions>;
  /** Default: 0.1 to 2 ms, synced before it is acknowledged. */
  readonly disk?: Partial<DiskConditions>;
  /** How long a request waits for its answer. Default 5,000 ms. */
  readonly requestTimeoutMs?: number;
  /** How many faults a nemesis may make, at most. Default: no limit. `runSeeds` gives it, to find how few are enough. */
  readonly maxFaults?: number;
  /** Keeps the whole trace; without it only the last lines are kept. Default false. */
  readonly trace?: boolean;
  /** Events after which the run fails, for something goes round in circles. Default 1,000,000. */
  readonly maxEvents?: number;
}

/**
 * A world of nodes in virtual time, in which everything that may go wrong does, by a seed: the same seed, the same run. Nothing in it waits for real: time
 * moves to the next event when all that could go on has gone as far as it can.
 */
export interface Simulation {
  readonly random: Random;
  readonly network: SimulatedNetwork;
  readonly counters: Chronicle['counters'];
  /** What happened, a line an event: virtual milliseconds, who, what. */
  readonly trace: readonly string[];
  /** Virtual milliseconds since the beginning. */
  now(): number;
  /** A node joins, and starts `program`; it may do so at any time of the run. @throws {TypeError} when there is one of this name already. */
  node<T>(name: string, program: (machine: Machine) => T | Promise<T>): SimulatedNode<T>;
  /** Lets virtual time pass. */
  elapse(ms: number): Promise<void>;
  /** Begins to make faults. */
  nemesis(options?: NemesisOptions): Nemesis;
  /** Ends every fault: nemeses stop, network, disks and clocks are right again, whatever is down and has not left starts. */
  heal(): void;
  /**
   * Runs a test: `body` begins, and virtual time moves until its promise is settled. Timers, `Date.now`, `performance.now` and `Math.random` are the
   * simulation's meanwhile, so one run at a time; work outside of virtual time, such as files or WebCrypto, breaks the repetition. Fails with what `body` threw as the
   * cause, in an error that names the seed and shows the end of the trace; also when nothing is left to happen, or too much happens.
   */
  run<R>(body: () => Promise<R>): Promise<R>;
}

const realImmediate = globalThis.setImmediate;
const SHOWN_LINES = 30;
let running = false;

export function createSimulation({
  seed,
  network: networkConditions,
  disk: diskConditions,
  requestTimeoutMs = 5_000,
  maxFaults = Number.POSITIVE_INFINITY,
  trace = false,
  maxEvents = 1_000_000,
}: SimulationOptions): Simulation {
  const agenda = createAgenda();
  const random = createRandom(seed);
  const chronicle = createChronicle({ now: agenda.now, all: trace });
  const conditions: NetworkConditions = { delayMs: [1, 10], loss: 0, duplication: 0, ...networkConditions };
  const network = createSimulatedNetwork({ agenda, chronicle, random: random.fork('network'), conditions, requestTimeoutMs });
  const nodes = new Map<string, SimulatedNode<unknown>>();
  const nemeses: Nemesis[] = [];

  const heal = () => {
    chronicle.note('world', 'heals');
    for (const nemesis of nemeses) nemesis.stop();
    network.heal();
    for (const node of nodes.values()) {
      node.disk.heal();
      node.clock.correct();
      node.restart();
    }
  };
  return {
    random: random.fork('test'),
    network,
    counters: chronicle.counters,
    trace: chronicle.lines,
    now: agenda.now,
    node(name, program) {
      if (nodes.has(name)) throw new TypeError(`there is a node ${JSON.stringify(name)} already; give the new one another name`);
      const own = random.fork(`node ${name}`);
      const makeDisk = (isUp: () => boolean) =>
        createSimulatedDisk({
          node: name,
          agenda,
          chronicle,
          random: own.fork('disk'),
          conditions: { delayMs: [0.1, 2], syncLagMs: 0, ...diskConditions },
          isUp,
        });
      const clock = createSimulatedClock({ node: name, now: agenda.now, chronicle });
      const node = createSimulatedNode({
        name,
        program,
        clock,
        makeDisk,
        network,
        chronicle,
        random: own,
        after: (ms, act) => void agenda.put(agenda.now() + ms, act),
      });
      nodes.set(name, node);
      return node;
    },
    elapse: (ms) => new Promise((resolve) => void agenda.put(agenda.now() + ms, resolve)),
    nemesis(options = {}) {
      const nemesis = createNemesis(
        { agenda, chronicle, network, random: random.fork(`nemesis ${nemeses.length}`), nodes: () => [...nodes.values()], maxFaults },
        options,
      );
      nemeses.push(nemesis);
      return nemesis;
    },
    heal,
    async run(body) {
      if (running) throw new TypeError('another simulation is running in this process; run one after the other');
      running = true;
      const putBack = takeOverGlobals(agenda, random.fork('Math.random'));
      try {
        return await drive(agenda, body, maxEvents);
      } catch (error) {
        const end = chronicle.lines.slice(-SHOWN_LINES).join('\n  ');
        throw new Error(`the simulation with seed ${seed} failed: ${String(error)}\nthe end of its trace:\n  ${end}`, { cause: error });
      } finally {
        // Nothing of it goes on in real time.
        for (const node of nodes.values()) node.leave();
        putBack();
        running = false;
      }
    },
  };
}

async function drive<R>(agenda: Agenda, body: () => Promise<R>, maxEvents: number): Promise<R> {
  let ended = false;
  const result = body().finally(() => {
    ended = true;
  });
  // It is awaited in the end; until then nobody shall call its failure unhandled.
  result.catch(() => {});
  for (let events = 0; ; events++) {
    // A real turn: until it comes, everything that is settled has gone on as far as it can.
    await new Promise<void>((resolve) => void realImmediate(resolve));
    if (ended) return result;
    const next = agenda.takeNext();
    if (next === undefined) throw new Error('nothing is left to happen, and the test is not over: it waits for what never comes');
    if (events >= maxEvents) throw new Error(`more than ${maxEvents} events happened; something goes round in circles, or maxEvents is too small`);
    next.act();
  }
}
