import { type Clock, type IdSource, type Store, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import type { Chronicle } from './chronicle.ts';
import { type Life, livingAs } from './life.ts';
import type { Random } from './random.ts';
import type { OwnedClock, SimulatedClock } from './simulated-clock.ts';
import type { OwnedDisk, SimulatedDisk } from './simulated-disk.ts';
import type { NetworkEnd, OwnedNetwork } from './simulated-network.ts';

/** What a node's program is given at each start. What an earlier life was given does nothing any more. */
export interface Machine {
  readonly name: string;
  /** 1 at the first start, and one more at each further. */
  readonly start: number;
  readonly clock: Required<Clock>;
  /** What earlier lives synced is in it. */
  readonly disk: Store;
  readonly network: NetworkEnd;
  readonly random: Random;
  readonly ids: IdSource;
}

/** A node, from outside. `T` is what its program returns: what clients may call. */
export interface SimulatedNode<T> {
  readonly name: string;
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk;
  isUp(): boolean;
  /**
   * Calls the running program as a client on its machine would. @throws {UnavailableError} when the node is down, {@link UnknownOutcomeError} when it
   * crashes before the answer.
   */
  call<R>(work: (program: T) => Promise<R> | R): Promise<R>;
  /** Stops the program at the `await` it is at. Nothing of it goes on: its promises are never kept, its timers and messages are gone. Does nothing when it is down. */
  crash(): void;
  /** Starts the program anew, on its disk. Does nothing when it is up or has left. A program that fails to start is down, and started again a second later. */
  restart(): void;
  /** Crashes, and never comes back. */
  leave(): void;
}

interface NodeOptions<T> {
  readonly name: string;
  readonly program: (machine: Machine) => T | Promise<T>;
  readonly clock: OwnedClock;
  readonly makeDisk: (isUp: () => boolean) => OwnedDisk;
  readonly network: OwnedNetwork;
  readonly chronicle: Chronicle;
  readonly random: Random;
  readonly after: (ms: number, act: () => void) => void;
}

/** A supervisor starts what could not start. */
const NEXT_START_MS = 1_000;

interface Running<T> {
  readonly life: Life;
  readonly program: Promise<T>;
  readonly deaths: Set<() => void>;
  end(): void;
}

export function createSimulatedNode<T>({ name, program, clock, makeDisk, network, chronicle, random, after }: NodeOptions<T>): SimulatedNode<T> {
  let running: Running<T> | undefined;
  let starts = 0;
  let left = false;
  const disk = makeDisk(() => running !== undefined);

  const crash = () => {
    const dying = running;
    if (dying === undefined) return;
    running = undefined;
    dying.end();
    chronicle.count('crash', name);
    disk.stop();
    for (const tell of dying.deaths) tell();
  };
  const restart = () => {
    if (running !== undefined || left) return;
    starts += 1;
    const start = starts;
    chronicle.count('start', name, `${start}`);
    let over = false;
    const life: Life = { node: name, clock: clock.forNewLife(), rate: () => clock.rate(), isOver: () => over };
    const own = random.fork(`start ${start}`);
    let ids = 0;
    const machine: Machine = {
      name,
      start,
      clock: life.clock,
      disk: disk.open(life),
      network: network.join(life),
      random: own,
      ids(prefix) {
        ids += 1;
        return `${prefix}_${name}.${start}.${ids}.${own.below(2 ** 32).toString(36)}`;
      },
    };
    const begun = livingAs.run(life, async () => program(machine));
    const now: Running<T> = {
      life,
      program: begun,
      deaths: new Set(),
      end() {
        over = true;
      },
    };
    running = now;
    begun.catch((error: unknown) => {
      if (over) return;
      chronicle.count('failed-start', name, String(error));
      crash();
      after(NEXT_START_MS, () => {
        if (starts === start) restart();
      });
    });
  };

  restart();
  return {
    name,
    clock,
    disk,
    isUp: () => running !== undefined,
    call(work) {
      const present = running;
      if (present === undefined) return Promise.reject(new UnavailableError(`${JSON.stringify(name)} is down; try again later`));
      return new Promise((resolve, reject) => {
        const die = () => reject(new UnknownOutcomeError(`${JSON.stringify(name)} crashed before it answered; look before you retry`));
        present.deaths.add(die);
        livingAs
          .run(present.life, async () => work(await present.program))
          .then(
            (value) => present.life.isOver() || resolve(value),
            (error: unknown) => present.life.isOver() || reject(error),
          )
          .finally(() => present.deaths.delete(die));
      });
    },
    crash,
    restart,
    leave() {
      crash();
      if (!left) chronicle.count('leave', name);
      left = true;
    },
  };
}
