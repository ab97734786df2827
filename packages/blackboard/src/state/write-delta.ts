import { keepForm } from '../stay-compiled.ts';
import type { Delta, DeltaEntry } from './board-state.ts';
import { type Context, emptyCloud, type VersionVector } from './context.ts';
import { type HeldVersion, holdVersion } from './held-version.ts';
import { ReplicaLog } from './replica-log.ts';

/** The delta of writes `after + 1` to `upTo` of one replica. Its vectors are made when they are asked for: most writes are only kept. */
export class WriteDelta implements Delta {
  readonly entries: readonly DeltaEntry[];
  readonly #seen: VersionVector;
  readonly #replica: string;
  readonly #after: number;
  readonly #upTo: number;

  /** `seen` may lag behind in the replica's own component. */
  constructor(entries: readonly DeltaEntry[], seen: VersionVector, replica: string, after: number, upTo: number) {
    this.entries = entries;
    this.#seen = seen;
    this.#replica = replica;
    this.#after = after;
    this.#upTo = upTo;
  }

  get context(): Context {
    return contextOf(this.#seen, this.#replica, this.#upTo);
  }

  get covers(): Delta['covers'] {
    return coveredBy(this.#replica, this.#after, this.#upTo);
  }
}

/** The delta of one write that has left nothing beside it: what most writes are. */
export class LoneWriteDelta implements Delta {
  readonly #version: HeldVersion;
  readonly #seen: VersionVector;

  constructor(version: HeldVersion, seen: VersionVector) {
    this.#version = version;
    this.#seen = seen;
  }

  get entries(): readonly DeltaEntry[] {
    return [this.#version];
  }

  get context(): Context {
    return contextOf(this.#seen, this.#version.replica, this.#version.counter);
  }

  get covers(): Delta['covers'] {
    return coveredBy(this.#version.replica, this.#version.counter - 1, this.#version.counter);
  }
}

function contextOf(seen: VersionVector, replica: string, upTo: number): Context {
  return { vector: new Map(seen).set(replica, upTo), cloud: emptyCloud };
}

function coveredBy(replica: string, after: number, upTo: number): Delta['covers'] {
  return { from: new Map(after === 0 ? [] : [[replica, after]]), to: new Map([[replica, upTo]]) };
}

keepForm(new LoneWriteDelta(holdVersion(new ReplicaLog('').origin('value', '-', 0), '', 1, 0, null, undefined), new Map()));
keepForm(new WriteDelta([], new Map(), '', 0, 0));
