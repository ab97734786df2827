import type { Clock, JsonValue } from '@meshwork/core';
import { isWithinVector, joinVectors, type VersionVector } from '../state/context.ts';
import { isTombstone } from '../state/winner.ts';
import type { Replica } from './replica.ts';

/** Keys of the board's own; no user's key begins like this. */
export const RESERVED = '\u0000';
const PREFIX = `${RESERVED}member/`;

export interface Member {
  readonly replica: string;
  readonly name: string;
  readonly state: 'active' | 'retired';
}

/** What a replica is known to have on disk. */
export interface Acknowledged {
  readonly replica: string;
  /** Grows while the replica lives, by its own clock. */
  readonly beat: number;
  readonly vector: VersionVector;
}

/** Who has the board, and what they have of it: what everybody has may be forgotten as a deletion. */
export interface Members {
  /** Keys that members take. */
  readonly count: number;
  all(): readonly Member[];
  of(replica: string): Member | undefined;
  /** Milliseconds since a replica was last heard of, by whatever way; `undefined` when it never was. */
  silentMs(replica: string): number | undefined;
  /** This hub is a member from now on, if it was not. */
  join(): Promise<void>;
  /** Nobody waits for a replica any more. */
  retire(replica: string): Promise<void>;
  /** Retires whoever was silent for too long. Their names. */
  retireSilent(maxAbsenceMs: number): Promise<readonly string[]>;
  hear(acknowledged: readonly Acknowledged[]): void;
  /** What this replica knows of all, itself first. */
  tell(): readonly Acknowledged[];
  /** What all have that are waited for. */
  stable(): VersionVector;
}

export function createMembers({ replica, name, clock }: { readonly replica: Replica; readonly name: string; readonly clock: Clock }): Members {
  const members = new Map<string, Member>();
  const heard = new Map<string, { readonly beat: number; readonly vector: VersionVector; readonly at: number }>();
  const monotonic = () => clock.monotonic?.() ?? clock.now();
  let beat = 0;

  const learn = (key: string) => {
    if (!key.startsWith(PREFIX)) return;
    const reading = replica.state.read(key);
    const id = key.slice(PREFIX.length);
    if (reading === undefined || isTombstone(reading.version)) return void members.delete(id);
    const { value } = reading;
    members.set(id, { replica: id, name: textOf(value, 'name'), state: textOf(value, 'state') === 'retired' ? 'retired' : 'active' });
    if (!heard.has(id)) heard.set(id, { beat: 0, vector: new Map(), at: monotonic() });
  };
  const write = async (id: string, member: { readonly name: string; readonly state: Member['state'] }) => {
    const stamp = { time: replica.time.next(), writer: name };
    await replica.write(PREFIX + id, (state) => state.set(PREFIX + id, { ...member }, stamp));
  };
  const isWaitedFor = (id: string) => id !== replica.state.replica && members.get(id)?.state !== 'retired';

  for (const { key } of replica.state.list(PREFIX)) learn(key);
  replica.onDurable((changes) => {
    for (const { key } of changes) learn(key);
  });

  const retire = (id: string) => write(id, { name: members.get(id)?.name ?? '', state: 'retired' });
  return {
    get count() {
      return members.size;
    },
    all: () => [...members.values()],
    of: (id) => members.get(id),
    silentMs(id) {
      const known = heard.get(id);
      return known === undefined || known.beat === 0 ? undefined : monotonic() - known.at;
    },
    async join() {
      const id = replica.state.replica;
      const present = members.get(id);
      if (present?.state !== 'active' || present.name !== name) await write(id, { name, state: 'active' });
    },
    retire,
    async retireSilent(maxAbsenceMs) {
      const silent = [...members.values()].filter(
        ({ replica: id, state }) => state === 'active' && isWaitedFor(id) && monotonic() - (heard.get(id)?.at ?? 0) > maxAbsenceMs,
      );
      for (const { replica: id } of silent) await retire(id);
      return silent.map(({ replica: id }) => id);
    },
    hear(acknowledged) {
      for (const { replica: id, beat: theirs, vector } of acknowledged) {
        if (id === replica.state.replica) continue;
        const known = heard.get(id);
        if (known === undefined || theirs > known.beat)
          heard.set(id, { beat: theirs, vector: joinVectors(known?.vector ?? new Map(), vector), at: monotonic() });
      }
    },
    tell() {
      beat = Math.max(beat + 1, Math.floor(clock.now()));
      const own = { replica: replica.state.replica, beat, vector: replica.durable };
      const others = [...heard].filter(([id, known]) => known.beat > 0 && isWaitedFor(id));
      return [own, ...others.map(([id, known]) => ({ replica: id, beat: known.beat, vector: known.vector }))];
    },
    stable() {
      let stable: VersionVector = replica.durable;
      for (const id of new Set([...members.keys(), ...heard.keys()])) {
        if (!isWaitedFor(id)) continue;
        const vector = heard.get(id)?.vector ?? new Map<string, number>();
        if (!isWithinVector(stable, vector)) stable = meet(stable, vector);
      }
      return stable;
    },
  };
}

function meet(one: VersionVector, other: VersionVector): VersionVector {
  const both = new Map<string, number>();
  for (const [replica, counter] of one) {
    const least = Math.min(counter, other.get(replica) ?? 0);
    if (least > 0) both.set(replica, least);
  }
  return both;
}

function textOf(value: JsonValue | undefined, name: string): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return '';
  const member = (value as Readonly<Record<string, JsonValue>>)[name];
  return typeof member === 'string' ? member : '';
}
