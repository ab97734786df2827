/** Keys in the order of their code units. Sorted when first asked; from then on keys that came are merged in, and keys that went left out. */
export class KeyIndex {
  readonly #all: () => Iterable<string>;
  #sorted: string[] | undefined;
  readonly #fresh = new Set<string>();
  readonly #gone = new Set<string>();

  constructor(all: () => Iterable<string>) {
    this.#all = all;
  }

  add(key: string): void {
    if (this.#sorted !== undefined && !this.#gone.delete(key)) this.#fresh.add(key);
  }

  delete(key: string): void {
    if (this.#sorted !== undefined && !this.#fresh.delete(key)) this.#gone.add(key);
  }

  *from(prefix: string, after: string | undefined): Generator<string> {
    const sorted = this.#settle();
    const start = after !== undefined && after >= prefix ? after : prefix;
    let at = lowerBound(sorted, start);
    if (start === after && sorted[at] === after) at++;
    for (; at < sorted.length; at++) {
      const key = sorted[at] as string;
      if (!key.startsWith(prefix)) return;
      yield key;
    }
  }

  #settle(): string[] {
    if (this.#sorted === undefined) {
      this.#sorted = [...this.#all()].sort();
      return this.#sorted;
    }
    if (this.#fresh.size === 0 && this.#gone.size === 0) return this.#sorted;
    const fresh = [...this.#fresh].sort();
    const merged: string[] = [];
    let next = 0;
    for (const key of this.#sorted) {
      if (this.#gone.has(key)) continue;
      while (next < fresh.length && (fresh[next] as string) < key) merged.push(fresh[next++] as string);
      merged.push(key);
    }
    while (next < fresh.length) merged.push(fresh[next++] as string);
    // A new array: somebody may still be walking the old one.
    this.#sorted = merged;
    this.#fresh.clear();
    this.#gone.clear();
    return merged;
  }
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
