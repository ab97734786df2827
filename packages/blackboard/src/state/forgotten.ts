import type { VersionVector } from './context.ts';
import { findInRecord } from './forgotten-record.ts';

/** Keys of records of forgotten replicas. They are data of the board as any other, and a state that holds one goes by it. */
export const FORGOTTEN = '\u0000forgotten/';

/** The key of the record that a replica writes at a hybrid time: no two hubs, and no two runs of one, write under one. */
export function recordKey(time: number, replica: string): string {
  return `${FORGOTTEN}${time.toString(36)}/${replica}`;
}

/** Whether a key is that of a record. Most keys are told by their first character. */
export function isForgottenKey(key: string): boolean {
  return key.charCodeAt(0) === 0 && key.startsWith(FORGOTTEN);
}

/**
 * What the records say that a state holds: of each replica how many of its first writes were superseded, so that they count as seen, and nobody needs a component for
 * them. It keeps the texts that the entries have anyway, and searches them for replicas that the vector does not name.
 */
export class Forgotten {
  readonly #texts = new Map<string, readonly string[]>();

  get isEmpty(): boolean {
    return this.#texts.size === 0;
  }

  get records(): number {
    return this.#texts.size;
  }

  keys(): Iterable<string> {
    return this.#texts.keys();
  }

  /** Lines of all records: a replica that came back and was forgotten again has two until they are joined. */
  get size(): number {
    let lines = 0;
    for (const texts of this.#texts.values()) for (const text of texts) lines += linesOf(text);
    return lines;
  }

  /** Of a replica the first so many writes are forgotten. */
  upTo(replica: string): number {
    let most = 0;
    for (const texts of this.#texts.values()) for (const text of texts) most = Math.max(most, findInRecord(text, replica));
    return most;
  }

  /** Whether all that a vector tells of is in another one, or forgotten. */
  isWithin(vector: VersionVector, other: VersionVector): boolean {
    for (const [replica, counter] of vector) if (counter > (other.get(replica) ?? 0) && counter > this.upTo(replica)) return false;
    return true;
  }

  /** The texts that a key holds now. Whether any of them is new. */
  put(key: string, texts: readonly string[]): boolean {
    const before = this.#texts.get(key) ?? [];
    if (texts.length === 0) this.#texts.delete(key);
    else this.#texts.set(key, texts);
    return texts.some((text) => !before.includes(text));
  }
}

function linesOf(text: string): number {
  let lines = -1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return Math.max(0, lines);
}
