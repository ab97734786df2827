import type { Clock, JsonValue, KeyValueStore } from '@meshwork/core';
import { toMs } from '../hybrid-clock.ts';
import { isWithinVector, joinVectors, type VersionVector } from '../state/context.ts';
import { isForgottenKey } from '../state/forgotten.ts';
import { isTombstone } from '../state/winner.ts';
import type { Replica } from './replica.ts';

/** Keys of the board's own; no user's key begins like this. */
export const RESERVED = '\u0000';
const PREFIX = `${RESERVED}member/`;

interface Member {
  readonly replica: string;
  readonly name: string;
  readonly state: 'active' | 'retired';
  /** When somebody said so: milliseconds since the Unix epoch. */
  readonly since: number;
  /** When this run came to know it, by the monotonic clock. */
  readonly knownAt: number;
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
  /** Keys that members take, and records of those that were members. */
  readonly count: number;
  all(): readonly Member[];
  of(replica: string): Member | undefined;
  /** Milliseconds since a replica was last heard of, by whatever way; `undefined` when it never was. */
  silentMs(replica: string): number | undefined;
  /** This hub is a member from now on, if it was not. */
  join(): Promise<void>;
  /** Nobody waits for a replica any more. */
  retire(replica: string): Promise<void>;
  /** Retires whoever was silent for too long. One of those who are present does it for all. */
  retireSilent(): Promise<void>;
  /** Whether this hub is the one of those present that does what one has to do for all. */
  actsForAll(): boolean;
  /** Whether a replica that is no active member was heard of lately, so that it may be coming back. */
  isNear(replica: string): boolean;
  /** Milliseconds since a member was retired; 0 while it is not. */
  retiredMs(replica: string): number;
  /** Takes retired replicas from the members, once nobody needs to know of them. */
  remove(replicas: readonly string[]): Promise<void>;
  /** Milliseconds since this hub had heard of anybody else when it was opened; 0 when it never had. */
  readonly awayMs: number;
  /** How a replica stands: one that is forgotten was retired before. */
  standing(replica: string): Member['state'] | undefined;
  /** Keeps on disk, now and then, when each was heard of: absences last longer than runs of a program. */
  remember(): Promise<void>;
  /** What a replica says that it and others have on disk, itself first. */
  hear(acknowledged: readonly Acknowledged[]): void;
  /** What this replica knows of all, itself first. To one that was forgotten it says what it had of it: a backup would not know. */
  tell(to?: string): readonly Acknowledged[];
  /** What all have that are waited for. */
  stable(): VersionVector;
}

export interface MembersOptions {
  readonly replica: Replica;
  /** This hub's. */
  readonly name: string;
  readonly clock: Clock;
  readonly store: KeyValueStore;
  /** Where it is kept when members were heard of. */
  readonly key: string;
  /** Milliseconds of silence after which nobody waits for a member. */
  readonly maxAbsenceMs: number;
  readonly onRetired: (replica: string) => void;
}

export async function openMembers({ replica, name, clock, store, key: heardKey, maxAbsenceMs, onRetired }: MembersOptions): Promise<Members> {
  const members = new Map<string, Member>();
  const heard = new Map<string, { readonly beat: number; readonly vector: VersionVector; readonly at: number }>();
  /** Those of whom two hubs have said something at once. */
  const disputed = new Set<string>();
  const monotonic = () => clock.monotonic?.() ?? clock.now();
  const [began, openedAt] = [monotonic(), clock.now()];
  let rememberedAt = began;
  let beat = 0;
  const before = await readHeard(store, heardKey);
  /** By the monotonic clock. Of one that was not heard of in this run: when it was before, or since when it is waited for. */
  const lastHeard = (id: string): number => {
    const known = heard.get(id);
    const wall = before.get(id);
    if (known === undefined || known.beat > 0 || wall === undefined) return known?.at ?? began;
    return began - Math.max(0, openedAt - wall);
  };

  const isNear = (id: string) => {
    const known = heard.get(id);
    return known !== undefined && known.beat > 0 && monotonic() - known.at <= maxAbsenceMs;
  };
  const leave = (id: string) => {
    members.delete(id);
    disputed.delete(id);
    if (!isNear(id)) heard.delete(id);
  };
  /** What is forgotten nobody needs to have. */
  const forget = () => {
    for (const [id, known] of heard) heard.set(id, { ...known, vector: replica.state.forgotten.without(known.vector) });
  };
  const learn = (key: string) => {
    if (isForgottenKey(key)) return forget();
    if (!key.startsWith(PREFIX)) return;
    const reading = replica.state.read(key);
    const id = key.slice(PREFIX.length);
    if (reading === undefined || isTombstone(reading.version)) return leave(id);
    const { value, version, conflicts } = reading;
    const was = members.get(id);
    const state = textOf(value, 'state') === 'retired' ? 'retired' : 'active';
    members.set(id, { replica: id, name: textOf(value, 'name'), state, since: toMs(version.time), knownAt: was?.state === state ? was.knownAt : monotonic() });
    if (conflicts > 0) disputed.add(id);
    else disputed.delete(id);
    const known = heard.get(id);
    // Who comes back is waited for from now on.
    if (known === undefined || (was?.state === 'retired' && state === 'active')) heard.set(id, { beat: 0, vector: new Map(), ...known, at: monotonic() });
    if (was?.state === 'active' && state === 'retired') onRetired(id);
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

  const isSilent = (id: string) => id !== replica.state.replica && monotonic() - lastHeard(id) > maxAbsenceMs;
  const active = () => [...members.values()].filter(({ state }) => state === 'active').map(({ replica: id }) => id);
  /** If all who notice wrote something, there would be as many versions of it. */
  const actsForAll = () => {
    const [first] = active()
      .filter((id) => !isSilent(id))
      .sort();
    return first === replica.state.replica;
  };
  const standing = (id: string) => members.get(id)?.state ?? (replica.state.forgotten.upTo(id) > 0 ? 'retired' : undefined);
  const retire = (id: string) => write(id, { name: members.get(id)?.name ?? '', state: 'retired' });
  return {
    get count() {
      return members.size + replica.state.forgotten.records;
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
      if (present?.state !== 'active' || present.name !== name || disputed.has(id)) await write(id, { name, state: 'active' });
    },
    retire,
    awayMs: before.size === 0 ? 0 : openedAt - Math.max(...before.values()),
    isNear,
    retiredMs(id) {
      const member = members.get(id);
      if (member?.state !== 'retired') return 0;
      // Runs may be short, and clocks wrong.
      return Math.max(clock.now() - member.since, monotonic() - member.knownAt);
    },
    actsForAll,
    standing,
    async remove(ids) {
      const remove = (id: string) => replica.write(PREFIX + id, (state) => state.delete(PREFIX + id, { time: replica.time.next(), writer: name }));
      await Promise.all(ids.map(remove));
    },
    async retireSilent() {
      // Who was heard of and is no member lost the disk it began on. When nobody tells of it any more, it is forgotten.
      for (const id of heard.keys()) if (!members.has(id) && monotonic() - lastHeard(id) > 2 * maxAbsenceMs) heard.delete(id);
      if (!actsForAll()) return;
      for (const id of active()) if (isSilent(id)) await retire(id);
      // Who is coming back settles itself what is said of it: two who do that at once would go on for ever.
      for (const id of disputed) if (members.get(id)?.state === 'retired' && !isNear(id)) await retire(id);
    },
    async remember() {
      if (monotonic() - rememberedAt < maxAbsenceMs / 100) return;
      rememberedAt = monotonic();
      const times = [...members.keys()].filter(isWaitedFor).map((id) => [id, Math.floor(clock.now() - (monotonic() - lastHeard(id)))]);
      await store.put(heardKey, Object.fromEntries(times));
    },
    hear(acknowledged) {
      for (const [at, { replica: id, beat: theirs, vector: all }] of acknowledged.entries()) {
        if (id === replica.state.replica) continue;
        const vector = replica.state.forgotten.without(all);
        const known = heard.get(id);
        // The first speaks of itself, also when its clock was set back; what others say of it may be old.
        const isNews = at === 0 || known === undefined || theirs > known.beat;
        const joined = known === undefined ? vector : joinVectors(known.vector, vector);
        heard.set(id, { beat: isNews ? theirs : known.beat, vector: joined, at: isNews ? monotonic() : known.at });
      }
    },
    tell(to) {
      beat = Math.max(beat + 1, Math.floor(clock.now()));
      const upTo = to === undefined ? 0 : replica.state.forgotten.upTo(to);
      const vector = to === undefined || upTo <= (replica.durable.get(to) ?? 0) ? replica.durable : new Map(replica.durable).set(to, upTo);
      const own = { replica: replica.state.replica, beat, vector };
      const isToldOf = (id: string) => isWaitedFor(id) && (members.has(id) || monotonic() - lastHeard(id) <= maxAbsenceMs);
      const others = [...heard].filter(([id, known]) => known.beat > 0 && isToldOf(id));
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

async function readHeard(store: KeyValueStore, key: string): Promise<ReadonlyMap<string, number>> {
  const value = (await store.get(key))?.value;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return new Map();
  return new Map(Object.entries(value).flatMap(([id, at]) => (typeof at === 'number' ? [[id, at] as const] : [])));
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
