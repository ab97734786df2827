import type { VersionKind } from './board-state.ts';
import { type HeldVersion, isOutworn, Origin } from './held-version.ts';

/** The versions of one replica in the order of their counters; those no longer held are swept out once they are the larger part. */
export class ReplicaLog {
  readonly replica: string;
  #versions: HeldVersion[] = [];
  #dead = 0;
  readonly #origins = new Map<VersionKind, Map<string, Origin>>();
  #latest: Origin | undefined;

  constructor(replica: string) {
    this.replica = replica;
  }

  /** The highest counter that was held since the last sweep. */
  get last(): number {
    return this.#versions.at(-1)?.counter ?? 0;
  }

  origin(kind: VersionKind, writer: string, time: number): Origin {
    const latest = this.#latest;
    if (latest !== undefined && latest.kind === kind && latest.writer === writer && !isOutworn(latest, time)) return latest;
    let writers = this.#origins.get(kind);
    if (writers === undefined) {
      writers = new Map();
      this.#origins.set(kind, writers);
    }
    let origin = writers.get(writer);
    if (origin === undefined || isOutworn(origin, time)) {
      origin = new Origin(this, kind, writer, time);
      writers.set(writer, origin);
    }
    this.#latest = origin;
    return origin;
  }

  append(version: HeldVersion): void {
    this.#versions.push(version);
  }

  /** Many at once, in any order: one sort, so that a delta in the worst order costs no more. */
  insert(versions: readonly HeldVersion[]): void {
    let sorted = true;
    let last = this.last;
    for (const version of versions) {
      if (version.counter < last) sorted = false;
      last = version.counter;
      this.#versions.push(version);
    }
    if (!sorted) this.#versions.sort((one, other) => one.counter - other.counter);
  }

  drop(version: HeldVersion): void {
    version.drop();
    if (++this.#dead <= 64 || this.#dead * 2 <= this.#versions.length) return;
    this.#versions = this.#versions.filter(({ isHeld }) => isHeld);
    this.#dead = 0;
  }

  /** Those above `counter` that are held, the oldest first. */
  *above(counter: number): Generator<HeldVersion> {
    const versions = this.#versions;
    let low = 0;
    let high = versions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((versions[middle] as HeldVersion).counter <= counter) low = middle + 1;
      else high = middle;
    }
    for (; low < versions.length; low++) {
      const version = versions[low] as HeldVersion;
      if (version.isHeld) yield version;
    }
  }
}
