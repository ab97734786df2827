import { type ForgottenRecord, readRecord } from '../state/forgotten-record.ts';

/** A record as the board has it. */
export interface KeptRecord {
  readonly key: string;
  readonly text: string;
  /** Whoever wrote it is no active member: as long as it stands, its writer cannot be forgotten. */
  readonly isOrphan: boolean;
}

export interface RecordPlan {
  /** What is to be written, under new keys. */
  readonly puts: readonly ForgottenRecord[];
  /** Keys of records that are older than is asked for. */
  readonly over: readonly string[];
  /** Keys of records that say nothing which others do not; `undefined` when nothing was looked at. They may go once everybody has the others. */
  readonly redundant?: readonly string[] | undefined;
}

export interface PlanRequest {
  /** What is forgotten now, and of each how many writes. */
  readonly fresh: ReadonlyMap<string, number>;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly forgottenMs: number;
  /** False when these records were arranged before: then only what is over or fresh counts. */
  readonly isNew: boolean;
}

/** Characters of a record, about: some 2,000 replicas. */
const MOST_CHARACTERS = 65_536;
/** Replicas that are forgotten in one of so many parts of `forgottenMs` go into one record, and out of it together. */
const PERIODS = 16;

type ReadRecord = KeptRecord & ForgottenRecord;

/** What has to be written and deleted so that there are few records, none of them older than `forgottenMs`, and all of members. */
export function arrangeRecords(records: readonly KeptRecord[], { fresh, now, forgottenMs, isNew }: PlanRequest): RecordPlan {
  const over = records.filter(({ text }) => now - atOf(text) > forgottenMs).map(({ key }) => key);
  if (!isNew && fresh.size === 0) return { puts: [], over };
  const read = records.filter(({ key }) => !over.includes(key)).map((record): ReadRecord => ({ ...record, ...readRecord(record.text) }));
  const redundant = redundantOf(read);
  const needed = read.filter(({ key }) => !redundant.includes(key));

  const periodMs = Math.max(1, forgottenMs / PERIODS);
  const periodOf = (at: number) => Math.floor(at / periodMs);
  const hasRoom = ({ text }: KeptRecord) => text.length < MOST_CHARACTERS / 2;
  const roomy = new Map<number, number>(fresh.size > 0 ? [[periodOf(now), 1]] : []);
  for (const record of needed) if (hasRoom(record)) roomy.set(periodOf(record.at), (roomy.get(periodOf(record.at)) ?? 0) + 1);
  const joined = new Map<number, { at: number; readonly replicas: Map<string, number> }>();
  const join = (at: number, replicas: ReadonlyMap<string, number>) => {
    const present = joined.get(periodOf(at)) ?? { at, replicas: new Map<string, number>() };
    present.at = Math.max(present.at, at);
    addTo(present.replicas, replicas);
    joined.set(periodOf(at), present);
  };
  for (const record of needed) {
    const isJoined = hasRoom(record) && (roomy.get(periodOf(record.at)) ?? 0) > 1;
    if (record.isOrphan || isJoined) join(record.at, record.replicas);
  }
  if (fresh.size > 0) join(Math.floor(now), fresh);
  return { puts: [...joined.values()].flatMap(({ at, replicas }) => inParts(at, replicas)), over, redundant };
}

/** Those that may go, the first ones first: of writers who are gone, then the older, then the smaller. */
function redundantOf(records: readonly ReadRecord[]): string[] {
  const order = [...records].sort(
    (one, other) => Number(other.isOrphan) - Number(one.isOrphan) || one.at - other.at || one.text.length - other.text.length || (one.key < other.key ? -1 : 1),
  );
  /** Of each replica what the records say that are looked at later, or stay. */
  const said = new Map<string, number[]>();
  for (const { replicas } of records) for (const [id, counter] of replicas) said.set(id, [...(said.get(id) ?? []), counter]);
  const redundant: string[] = [];
  for (const { key, replicas } of order) {
    const isSaid = ([id, counter]: readonly [string, number]) => (said.get(id) ?? []).filter((other) => other >= counter).length > 1;
    if (![...replicas].every(isSaid)) continue;
    redundant.push(key);
    for (const [id, counter] of replicas) said.get(id)?.splice(said.get(id)?.indexOf(counter) ?? 0, 1);
  }
  return redundant;
}

function addTo(all: Map<string, number>, replicas: ReadonlyMap<string, number>): void {
  for (const [id, counter] of replicas) all.set(id, Math.max(counter, all.get(id) ?? 0));
}

function atOf(text: string): number {
  const end = text.indexOf('\n');
  return readRecord(end < 0 ? text : text.slice(0, end)).at;
}

function inParts(at: number, replicas: ReadonlyMap<string, number>): ForgottenRecord[] {
  const parts: ForgottenRecord[] = [];
  let some = new Map<string, number>();
  let characters = 0;
  for (const [id, counter] of replicas) {
    const length = id.length + counter.toString(36).length + 2;
    if (characters + length > MOST_CHARACTERS && some.size > 0) {
      parts.push({ at, replicas: some });
      some = new Map();
      characters = 0;
    }
    some.set(id, counter);
    characters += length;
  }
  if (some.size > 0) parts.push({ at, replicas: some });
  return parts;
}
