import { createHashKey, type HashKey, halfSipHash } from './half-sip-hash.ts';

/** Cells that hold something, of all there are: beyond the one the table grows, below the other it gives back half. */
const mostFull = 0.7;
const leastFull = 0.15;
const leastCells = 16;

/**
 * A map from texts to values that know their text. Beside the values it takes a hash and a number each, so that where nothing is held no text is looked at: a `Map` of so
 * many keys looks at one or two, each of them somewhere else in memory. Values come in the order in which they were put, as far as none was deleted.
 * Each table hashes with a key of its own: whoever chooses texts cannot choose their cells.
 */
export class TextTable<Value extends object> {
  readonly #textOf: (value: Value) => string;
  /** Made when it is needed: some runtimes have no randomness while modules are loaded. */
  #key: HashKey | undefined;
  /** Two a cell: the hash, and which value, from 1 on. Of those with one hash each lies in the first cell that was free (linear probing). */
  #cells = new Int32Array(leastCells * 2);
  #values: (Value | undefined)[] = [];
  #free: number[] = [];
  /** The text that was looked for last, its hash, and its cell or the one it would take. */
  #text: string | undefined;
  #hash = 0;
  #cell = 0;
  size = 0;

  constructor(textOf: (value: Value) => string) {
    this.#textOf = textOf;
  }

  get(text: string): Value | undefined {
    if (this.size === 0) return undefined;
    this.#seek(text);
    const index = this.#cells[this.#cell * 2 + 1] as number;
    return index === 0 ? undefined : this.#values[index - 1];
  }

  /** Whether nothing was there. */
  set(text: string, value: Value): boolean {
    this.#seek(text);
    const index = this.#cells[this.#cell * 2 + 1] as number;
    if (index !== 0) {
      this.#values[index - 1] = value;
      return false;
    }
    const at = this.#free.pop() ?? this.#values.length;
    this.#values[at] = value;
    this.#cells[this.#cell * 2] = this.#hash;
    this.#cells[this.#cell * 2 + 1] = at + 1;
    this.size++;
    if (this.size * 2 > this.#cells.length * mostFull) this.#resize(this.#cells.length * 2);
    return true;
  }

  delete(text: string): void {
    if (this.size === 0) return;
    this.#seek(text);
    const cells = this.#cells;
    const index = cells[this.#cell * 2 + 1] as number;
    if (index === 0) return;
    this.#values[index - 1] = undefined;
    this.#free.push(index - 1);
    this.size--;
    this.#close(this.#cell);
    this.#text = undefined;
    if (cells.length > leastCells * 2 && this.size * 2 < cells.length * leastFull) this.#shrink();
  }

  clear(): void {
    this.#cells = new Int32Array(leastCells * 2);
    this.#values = [];
    this.#free = [];
    this.#text = undefined;
    this.size = 0;
  }

  *values(): Generator<Value> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }

  #seek(text: string): void {
    if (text === this.#text) return;
    this.#key ??= createHashKey();
    const hash = halfSipHash(text, this.#key);
    const cells = this.#cells;
    const mask = cells.length / 2 - 1;
    let cell = hash & mask;
    for (;;) {
      const index = cells[cell * 2 + 1] as number;
      if (index === 0 || (cells[cell * 2] === hash && this.#textOf(this.#values[index - 1] as Value) === text)) break;
      cell = (cell + 1) & mask;
    }
    this.#text = text;
    this.#hash = hash;
    this.#cell = cell;
  }

  /** Empties a cell, and moves up those behind it that were put there because it was taken. */
  #close(from: number): void {
    const cells = this.#cells;
    const mask = cells.length / 2 - 1;
    let gap = from;
    for (let cell = (gap + 1) & mask; cells[cell * 2 + 1] !== 0; cell = (cell + 1) & mask) {
      const hash = cells[cell * 2] as number;
      if (((cell - hash) & mask) < ((cell - gap) & mask)) continue;
      cells[gap * 2] = hash;
      cells[gap * 2 + 1] = cells[cell * 2 + 1] as number;
      gap = cell;
    }
    cells[gap * 2 + 1] = 0;
  }

  #shrink(): void {
    const cells = this.#cells;
    const values: Value[] = [];
    const indexes = this.#values.map((value) => (value === undefined ? 0 : values.push(value)));
    for (let at = 1; at < cells.length; at += 2) if (cells[at] !== 0) cells[at] = indexes[(cells[at] as number) - 1] as number;
    // A new array: somebody may still be walking the old one.
    this.#values = values;
    this.#free = [];
    this.#resize(cells.length / 2);
  }

  #resize(length: number): void {
    const old = this.#cells;
    const cells = new Int32Array(length);
    const mask = cells.length / 2 - 1;
    for (let at = 0; at < old.length; at += 2) {
      const index = old[at + 1] as number;
      if (index === 0) continue;
      const hash = old[at] as number;
      let cell = hash & mask;
      while (cells[cell * 2 + 1] !== 0) cell = (cell + 1) & mask;
      cells[cell * 2] = hash;
      cells[cell * 2 + 1] = index;
    }
    this.#cells = cells;
    this.#text = undefined;
  }
}
