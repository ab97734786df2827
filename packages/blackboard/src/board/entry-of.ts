import { InvalidInputError } from '@meshwork/core';
import type { Entry, Level } from '../entry.ts';
import { fingerprint } from '../fingerprint.ts';
import { toMs } from '../hybrid-clock.ts';
import type { BoardState, Reading, Version } from '../state/board-state.ts';
import { familyOf } from '../state/reading.ts';
import { isTombstone } from '../state/winner.ts';
import type { StrongReading } from '../strong/strong-store.ts';

/** What is read of a key, for people and tools. */
export function entryOfReading(state: BoardState, reading: Reading, level: Level): Entry {
  const { key, version, value, conflicts } = reading;
  const family = familyOf(version);
  if (family === 'register' && conflicts === 0) return entryOfVersion(version, level);
  const versions = state.versionsOf(key);
  const own = family === 'register' ? [version] : versions.filter((one) => familyOf(one) === family);
  const clock: Record<string, number> = {};
  for (const { replica, counter } of own) clock[replica] = Math.max(counter, clock[replica] ?? 0);
  const dots = versions.map(({ replica, counter }) => `${replica}:${counter}`).sort();
  return Object.freeze({
    ...entryOfVersion(version, level),
    ...(value !== undefined && { value }),
    version: `${versionName(version)}~${fingerprint(dots.join())}`,
    clock: Object.freeze(clock),
    conflicts,
  });
}

/** All versions of a key that were written without knowing of each other, the one that is read first; empty when there is but one. */
export function entriesOfConflict(state: BoardState, key: string, level: Level): Entry[] {
  const reading = state.read(key);
  if (reading === undefined || reading.conflicts === 0) return [];
  const { version: winner } = reading;
  const family = familyOf(winner);
  const others = state
    .versionsOf(key)
    .filter((version) => (family === 'register' ? version !== winner : familyOf(version) !== family && !isTombstone(version)));
  const first = family === 'register' ? entryOfVersion(winner, level) : entryOfReading(state, reading, level);
  return [first, ...others.map((version) => entryOfVersion(version, level))];
}

/** One version by itself. */
function entryOfVersion(version: Version, level: Level): Entry {
  const { key, value, writer, replica, counter, time, expiresAt } = version;
  const tombstone = isTombstone(version);
  return Object.freeze({
    key,
    ...(!tombstone && value !== undefined && { value }),
    kind: familyOf(version),
    level,
    version: versionName(version),
    clock: Object.freeze({ [replica]: counter }),
    writer,
    replica,
    updatedAt: new Date(toMs(time)).toISOString(),
    ...(expiresAt !== undefined && { expiresAt: new Date(Math.min(expiresAt, MAX_DATE)).toISOString() }),
    tombstone,
    conflicts: 0,
  });
}

export function entryOfStrong({ key, value, version, writer, replica, time }: StrongReading): Entry {
  return Object.freeze({
    key,
    ...(value !== undefined && { value }),
    kind: 'register',
    level: 'strong',
    version,
    clock: Object.freeze({}),
    writer,
    replica,
    updatedAt: new Date(toMs(time)).toISOString(),
    tombstone: value === undefined,
    conflicts: 0,
  });
}

/** The version that an entry of a register stands for. @throws {InvalidInputError} when it says it is another's, or stands for several. */
export function versionOfEntry(entry: Entry): Version {
  const { key, kind, value, version, writer, expiresAt, tombstone } = entry;
  const [, counter, time, replica] = /^([0-9a-z]{1,11})-([0-9a-z]{1,11})-([^~]+)/.exec(version) ?? [];
  if (kind !== 'register' || counter === undefined || time === undefined || replica === undefined) {
    throw new InvalidInputError(`the entry of ${JSON.stringify(key)} cannot be merged: only registers carry all there is to say of them`);
  }
  const [dot, at] = [Number.parseInt(counter, 36), Number.parseInt(time, 36)];
  const expiry = expiresAt === undefined ? undefined : Date.parse(expiresAt);
  const isWhole = [dot, at, expiry ?? 0].every((number) => Number.isSafeInteger(number) && number >= 0) && dot > 0;
  if (!isWhole || typeof writer !== 'string' || tombstone !== (value === undefined)) {
    throw new InvalidInputError(`the entry of ${JSON.stringify(key)} contradicts itself; give it as it was read`);
  }
  return { key, replica, counter: dot, time: at, kind: tombstone ? 'deleted' : 'value', value, writer, ...(expiry !== undefined && { expiresAt: expiry }) };
}

function versionName({ counter, time, replica }: Version): string {
  return `${counter.toString(36)}-${time.toString(36)}-${replica}`;
}

/** The last moment that ISO 8601 as JavaScript writes it can name. */
const MAX_DATE = 8.64e15;
