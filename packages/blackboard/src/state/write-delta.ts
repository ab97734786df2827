import type { Delta, DeltaEntry } from './board-state.ts';
import { type Context, emptyCloud, type VersionVector } from './context.ts';
import type { HeldVersion } from './held-version.ts';

/** What a write has left in place: the one version of its key, or groups of several. */
type Written = HeldVersion | readonly DeltaEntry[];

/** The delta of writes `after + 1` to `upTo` of one replica. Made of what it needs when it is asked for: most writes are only kept. */
export class WriteDelta implements Delta {
  readonly #written: Written;
  readonly #ahead: Context | undefined;
  readonly #seen: VersionVector;
  readonly #replica: string;
  readonly #after: number;
  readonly #upTo: number;

  /** `seen` may lag behind in the replica's own component. `ahead` is what was seen of a lone version's key beyond it. */
  constructor(written: Written, ahead: Context | undefined, seen: VersionVector, replica: string, after: number, upTo: number) {
    this.#written = written;
    this.#ahead = ahead;
    this.#seen = seen;
    this.#replica = replica;
    this.#after = after;
    this.#upTo = upTo;
  }

  get entries(): readonly DeltaEntry[] {
    const written = this.#written;
    if (isGroups(written)) return written;
    const entry = { key: written.key, versions: [written] };
    return [this.#ahead === undefined ? entry : { ...entry, seen: this.#ahead }];
  }

  get context(): Context {
    return { vector: new Map(this.#seen).set(this.#replica, this.#upTo), cloud: emptyCloud };
  }

  get covers(): Delta['covers'] {
    return { from: new Map(this.#after === 0 ? [] : [[this.#replica, this.#after]]), to: new Map([[this.#replica, this.#upTo]]) };
  }
}

function isGroups(written: Written): written is readonly DeltaEntry[] {
  return Array.isArray(written);
}
