import type { JsonValue } from '@meshwork/core';
import type { BoardState, Delta } from '../../src/index.ts';

/** A write with all it knew of: the whole history, and nothing of vectors. */
interface Write {
  readonly id: number;
  readonly key: string;
  /** The element, of a set. */
  readonly element?: string;
  readonly kind: 'value' | 'deleted' | 'count' | 'added' | 'removed';
  readonly value?: JsonValue;
  readonly by?: number;
  readonly replica: string;
  /** Every write its replica had seen. */
  readonly past: ReadonlySet<number>;
  /** How-manieth write of its replica. */
  readonly counter: number;
}

/** A model that keeps every write for ever: what is visible is what no write of the same thing had in its past. */
export class History {
  readonly writes: Write[] = [];
  readonly #counters = new Map<string, number>();

  write(seen: Set<number>, write: Omit<Write, 'id' | 'past' | 'counter'>): void {
    const counter = (this.#counters.get(write.replica) ?? 0) + 1;
    this.#counters.set(write.replica, counter);
    const id = this.writes.length;
    this.writes.push({ ...write, id, counter, past: new Set(seen) });
    seen.add(id);
  }

  /** The dots that a replica with this history holds of a key, in order; deletions are left out. */
  dots(key: string, seen: ReadonlySet<number>): string[] {
    const known = this.writes.filter((write) => write.key === key && seen.has(write.id));
    const visible = known.filter((write) => !known.some((later) => later.past.has(write.id) && supersedes(later, write)));
    return visible
      .filter(({ kind }) => kind !== 'deleted' && kind !== 'removed')
      .map(({ replica, counter }) => `${replica}:${counter}`)
      .sort();
  }

  sum(key: string, seen: ReadonlySet<number>): number {
    return this.writes.filter((write) => write.key === key && seen.has(write.id)).reduce((total, { by }) => total + (by ?? 0), 0);
  }

  elements(key: string, seen: ReadonlySet<number>): string[] {
    const known = this.writes.filter((write) => write.key === key && seen.has(write.id));
    const present = known.filter(
      (write) => write.kind === 'added' && !known.some((later) => later.past.has(write.id) && later.element === write.element && later.kind === 'removed'),
    );
    return [...new Set(present.map(({ element }) => element as string))].sort();
  }
}

function supersedes(later: Write, write: Write): boolean {
  if (later.kind === 'count') return later.replica === write.replica;
  return later.element === write.element;
}

/** The dots of the live versions a state holds of a key. */
export function dotsOf(state: BoardState, key: string): string[] {
  return state
    .versionsOf(key)
    .filter(({ kind }) => kind !== 'deleted' && kind !== 'removed')
    .map(({ replica, counter }) => `${replica}:${counter}`)
    .sort();
}

/** A delta as plain data, so that two can be compared. */
export function plain({ entries, context, covers }: Delta): unknown {
  return {
    entries: entries
      .map(({ key, versions, seen }) => ({
        key,
        seen: seen === undefined ? undefined : plainContext(seen),
        versions: versions
          .map(({ replica, counter, time, kind, value, writer, expiresAt }) => JSON.stringify([replica, counter, time, kind, writer, value, expiresAt]))
          .sort(),
      }))
      .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)),
    context: plainContext(context),
    covers: { from: [...covers.from].sort(), to: [...covers.to].sort() },
  };
}

function plainContext({ vector, cloud }: Delta['context']): unknown {
  return { vector: [...vector].sort(), cloud: [...cloud].map(([replica, counters]) => [replica, [...counters].sort()]).sort() };
}
