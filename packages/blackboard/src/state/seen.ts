import type { Delta } from './board-state.ts';
import { type Context, hasSeen, isWithin, isWithinVector, joinContexts, joinVectors, type VersionVector } from './context.ts';
import { Forgotten } from './forgotten.ts';

const maxWaiting = 256;

/** What a replica has seen: of all keys a vector, and of single keys what a delta told of them before the vector came so far. */
export class Seen {
  readonly replica: string;
  /** The replica's own writes. */
  own = 0;
  /** The highest write of this replica that anybody told of. */
  claimed = 0;
  /** Counts as seen. The vector has no component of a replica that does not go beyond it, but for the own one. */
  readonly forgotten = new Forgotten();
  #vector: VersionVector = new Map();
  readonly #ahead = new Map<string, Context>();
  #sweepAt = 64;
  /** Intervals that could not be taken yet, because what comes before them is missing. */
  #waiting: Delta['covers'][] = [];

  constructor(replica: string) {
    this.replica = replica;
  }

  /** May lag behind in the own component. */
  get others(): VersionVector {
    return this.#vector;
  }

  get vector(): VersionVector {
    if (this.own !== (this.#vector.get(this.replica) ?? 0)) this.#vector = new Map(this.#vector).set(this.replica, this.own);
    return this.#vector;
  }

  /** Whether of some slots more has been seen than the vector says. */
  get hasAhead(): boolean {
    return this.#ahead.size > 0;
  }

  /** The vector's component, or what is forgotten. */
  upTo(replica: string): number {
    return replica === this.replica ? this.own : (this.#vector.get(replica) ?? this.forgotten.upTo(replica));
  }

  /** A vector without the components that are forgotten here. */
  without(vector: VersionVector): VersionVector {
    if (this.forgotten.isEmpty) return vector;
    let left: Map<string, number> | undefined;
    for (const [replica, counter] of vector) {
      if (replica === this.replica || this.#vector.has(replica) || counter > this.forgotten.upTo(replica)) continue;
      left ??= new Map(vector);
      left.delete(replica);
    }
    return left ?? vector;
  }

  /** A context without what is forgotten here. */
  contextWithout({ vector, cloud }: Context): Context {
    if (this.forgotten.isEmpty) return { vector, cloud };
    const left = new Map<string, ReadonlySet<number>>();
    for (const [replica, counters] of cloud) {
      const upTo = replica === this.replica ? 0 : this.forgotten.upTo(replica);
      const above = [...counters].filter((counter) => counter > upTo);
      if (above.length > 0) left.set(replica, new Set(above));
    }
    return { vector: this.without(vector), cloud: left };
  }

  has(slot: string, replica: string, counter: number): boolean {
    if (counter <= this.upTo(replica)) return true;
    const ahead = this.#ahead.size === 0 ? undefined : this.#ahead.get(slot);
    return ahead !== undefined && hasSeen(ahead, replica, counter);
  }

  /** What has been seen of this slot beyond the vector. */
  aheadOf(slot: string): Context | undefined {
    return this.#ahead.size === 0 ? undefined : this.#ahead.get(slot);
  }

  /** What the vector will be when the delta is merged. */
  after({ from, to }: Delta['covers']): VersionVector {
    const { vector } = this;
    const news = this.without(to);
    return isWithinVector(this.without(from), vector) && !isWithinVector(news, vector) ? joinVectors(vector, news) : vector;
  }

  noteAhead(slot: string, context: Context): void {
    const known = this.#ahead.get(slot);
    this.#ahead.set(slot, known === undefined ? context : joinContexts(known, context));
  }

  advance(covers: Delta['covers']): void {
    if (!isWithinVector(this.without(covers.to), this.vector)) this.#waiting.push(covers);
    for (let moved = true; moved; ) {
      moved = false;
      for (const interval of this.#waiting) {
        const next = this.after(interval);
        if (next === this.#vector) continue;
        this.#vector = next;
        this.own = next.get(this.replica) ?? 0;
        moved = true;
      }
    }
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter(({ to }) => !isWithinVector(this.without(to), this.vector)).slice(-maxWaiting);
    if (this.#ahead.size > this.#sweepAt) this.sweep();
  }

  /** After more is forgotten, and before `advance`: takes it out of the vector, which finds the own component again, and of what is known of single slots. */
  forget(): void {
    const { forgotten, replica } = this;
    this.claimed = Math.max(this.claimed, forgotten.upTo(replica));
    this.#vector = new Map([...this.vector].filter(([id, counter]) => counter > forgotten.upTo(id)));
    for (const [slot, context] of this.#ahead) this.#ahead.set(slot, this.contextWithout(context));
  }

  sweep(): void {
    for (const [slot, context] of this.#ahead) if (isWithin(context, this.vector)) this.#ahead.delete(slot);
    this.#sweepAt = Math.max(64, this.#ahead.size * 2);
  }
}
