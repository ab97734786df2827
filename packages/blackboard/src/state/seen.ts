import type { Delta } from './board-state.ts';
import { type Context, hasSeen, isWithin, isWithinVector, joinContexts, joinVectors, type VersionVector } from './context.ts';

const maxWaiting = 256;

/** What a replica has seen: of all keys a vector, and of single keys what a delta told of them before the vector came so far. */
export class Seen {
  readonly replica: string;
  /** The replica's own writes. */
  own = 0;
  /** The highest write of this replica that anybody told of. */
  claimed = 0;
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

  /** The vector's component. */
  upTo(replica: string): number {
    return replica === this.replica ? this.own : (this.#vector.get(replica) ?? 0);
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
    return isWithinVector(from, this.vector) && !isWithinVector(to, this.vector) ? joinVectors(this.vector, to) : this.vector;
  }

  noteAhead(slot: string, context: Context): void {
    const known = this.#ahead.get(slot);
    this.#ahead.set(slot, known === undefined ? context : joinContexts(known, context));
  }

  advance(covers: Delta['covers']): void {
    if (!isWithinVector(covers.to, this.vector)) this.#waiting.push(covers);
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
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter(({ to }) => !isWithinVector(to, this.vector)).slice(-maxWaiting);
    if (this.#ahead.size > this.#sweepAt) this.sweep();
  }

  sweep(): void {
    for (const [slot, context] of this.#ahead) if (isWithin(context, this.vector)) this.#ahead.delete(slot);
    this.#sweepAt = Math.max(64, this.#ahead.size * 2);
  }
}
