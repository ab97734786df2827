import type { Delta, DeltaEntry } from './board-state.ts';
import { type Context, emptyCloud, type VersionVector } from './context.ts';

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
    return { vector: new Map(this.#seen).set(this.#replica, this.#upTo), cloud: emptyCloud };
  }

  get covers(): Delta['covers'] {
    return { from: new Map(this.#after === 0 ? [] : [[this.#replica, this.#after]]), to: new Map([[this.#replica, this.#upTo]]) };
  }
}
