import { readRecord, writeRecord } from '../state/forgotten-record.ts';

/** A record as the board has it. */
export interface KeptRecord {
  readonly key: string;
  readonly text: string;
  /** Whoever wrote it is no active member: as long as it stands, its writer cannot be forgotten. */
  readonly isOrphan: boolean;
}

export interface RecordPlan {
  /** What is to be written, under new keys. */
  readonly puts: readonly string[];
  /** Keys that are to be deleted then. */
  readonly deletes: readonly string[];
}

export interface PlanRequest {
  /** What is forgotten now, and of each how many writes. */
  readonly fresh: ReadonlyMap<string, number>;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly forgottenMs: number;
}

/** Characters of a record, about: some 2,000 replicas. */
const MOST_CHARACTERS = 65_536;
/** Replicas that are forgotten in one of so many parts of `forgottenMs` go into one record, and out of it together. */
const PERIODS = 16;

/** What has to be written and deleted so that there are few records, none of them older than `forgottenMs`, and all of members. Nothing, most of the time. */
export function arrangeRecords(records: readonly KeptRecord[], { fresh, now, forgottenMs }: PlanRequest): RecordPlan {
  const periodMs = Math.max(1, forgottenMs / PERIODS);
  const periodOf = (at: number) => Math.floor(at / periodMs);
  const current = periodOf(now);
  const deletes: string[] = [];
  /** By period. */
  const joined = new Map<number, { at: number; readonly replicas: Map<string, number> }>();
  const join = (at: number, replicas: ReadonlyMap<string, number>) => {
    const period = periodOf(at);
    const present = joined.get(period) ?? { at, replicas: new Map<string, number>() };
    present.at = Math.max(present.at, at);
    for (const [id, counter] of replicas) present.replicas.set(id, Math.max(counter, present.replicas.get(id) ?? 0));
    joined.set(period, present);
  };
  const hasRoom = (text: string) => text.length < MOST_CHARACTERS / 2;
  const roomy = new Map<number, number>(fresh.size > 0 ? [[current, 1]] : []);
  for (const { text } of records) if (hasRoom(text)) roomy.set(periodOf(atOf(text)), (roomy.get(periodOf(atOf(text))) ?? 0) + 1);
  for (const { key, text, isOrphan } of records) {
    const at = atOf(text);
    const isOver = now - at > forgottenMs;
    const isJoined = hasRoom(text) && (roomy.get(periodOf(at)) ?? 0) > 1;
    if (!isOver && !isOrphan && !isJoined) continue;
    deletes.push(key);
    if (!isOver) join(at, readRecord(text).replicas);
  }
  if (fresh.size > 0) join(Math.floor(now), fresh);
  return { puts: [...joined.values()].flatMap(({ at, replicas }) => inTexts(at, replicas)), deletes };
}

function atOf(text: string): number {
  const end = text.indexOf('\n');
  return readRecord(end < 0 ? text : text.slice(0, end)).at;
}

function inTexts(at: number, replicas: ReadonlyMap<string, number>): string[] {
  const texts: string[] = [];
  let some = new Map<string, number>();
  let characters = 0;
  for (const [id, counter] of replicas) {
    const length = id.length + counter.toString(36).length + 2;
    if (characters + length > MOST_CHARACTERS && some.size > 0) {
      texts.push(writeRecord({ at, replicas: some }));
      some = new Map();
      characters = 0;
    }
    some.set(id, counter);
    characters += length;
  }
  if (some.size > 0) texts.push(writeRecord({ at, replicas: some }));
  return texts;
}
