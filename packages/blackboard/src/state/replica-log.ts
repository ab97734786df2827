import type { VersionKind } from './board-state.ts';
import { type HeldVersion, isOutworn, Origin } from './held-version.ts';
import { checkName } from './names.ts';

/** The versions of one replica in the order of their counters; those no longer held are swept out once they are the larger part. */
export class ReplicaLog {
  readonly replica: string;
  /** Of no state: its versions, which a decoder has made, may be taken over as they are. */
  readonly isLoose: boolean;
  #versions: HeldVersion[] = [];
  #dead = 0;
  /** The counter of the version that was appended last. */
  #last = 0;
  #isSorted = true;
  readonly #origins = new Map<VersionKind, Map<string, Origin>>();
  #latest: Origin | undefined;

  constructor(replica: string, { isLoose = false }: { readonly isLoose?: boolean } = {}) {
    this.replica = replica;
    this.isLoose = isLoose;
  }

  /** @throws {InvalidInputError} when the writer's name cannot be kept. */
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
      checkName(writer, 'the name of a writer');
      origin = new Origin(this, kind, writer, time);
      writers.set(writer, origin);
    }
    this.#latest = origin;
    return origin;
  }

  /** In any order, if `settle` follows. */
  append(version: HeldVersion): void {
    if (version.counter < this.#last) this.#isSorted = false;
    this.#last = version.counter;
    this.#versions.push(version);
  }

  /** One sort for all that came, so that those in the worst order cost no more. */
  settle(): void {
    if (this.#isSorted) return;
    this.#versions.sort((one, other) => one.counter - other.counter);
    this.#last = this.#versions.at(-1)?.counter ?? 0;
    this.#isSorted = true;
  }

  /** Versions in the log, those no longer held among them. */
  get length(): number {
    return this.#versions.length;
  }

  /** Takes back what was appended beyond this length, before `settle`. */
  cut(length: number): readonly HeldVersion[] {
    const cut = this.#versions.splice(length);
    this.#last = this.#versions.at(-1)?.counter ?? 0;
    this.#isSorted = true;
    return cut;
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
