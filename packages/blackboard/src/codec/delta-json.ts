import { InvalidInputError, type JsonValue } from '@meshwork/core';
import type { Delta, DeltaEntry, Version, VersionKind } from '../state/board-state.ts';
import { type Context, isWithinVector, type VersionVector } from '../state/context.ts';
import { ownJson } from '../state/own-json.ts';
import { checkTotal, type DeltaLimits, kinds } from './delta-limits.ts';
import { maxNameLength } from './vector-codec.ts';

/** A delta as JSON, for people; `encodeDelta` gives the form for machines. */
export function deltaToJson({ entries, context, covers }: Delta): JsonValue {
  return {
    entries: entries.map(({ key, versions, seen }) => ({
      key,
      versions: versions.map(versionToJson),
      ...(seen === undefined ? {} : { seen: contextToJson(seen) }),
    })),
    context: contextToJson(context),
    covers: { from: Object.fromEntries(covers.from), to: Object.fromEntries(covers.to) },
  };
}

/** What `deltaToJson` gave. @throws {InvalidInputError} when it is no delta, or beyond the limits. */
export function deltaFromJson(json: unknown, { maxKeyLength = 1_024, maxValueLength = 1_048_576 }: DeltaLimits = {}): Delta {
  const valueLimits = { maxValueLength, maxDepth: 64 };
  const { entries, context, covers } = objectOf(json);
  const { from, to } = objectOf(covers);
  const delta = {
    entries: arrayOf(entries).map(entryFromJson),
    context: contextFromJson(context),
    covers: { from: vectorFromJson(from), to: vectorFromJson(to) },
  };
  if (!isWithinVector(delta.covers.to, delta.context.vector)) throw unfit();
  return delta;

  function entryFromJson(entry: unknown): DeltaEntry {
    const { key, versions, seen } = objectOf(entry);
    const name = nameOf(key, maxKeyLength);
    const made = arrayOf(versions).map((version) => versionFromJson(name, version));
    return seen === undefined ? { key: name, versions: made } : { key: name, versions: made, seen: contextFromJson(seen) };
  }

  function versionFromJson(key: string, json: unknown): Version {
    const { replica, counter, time, kind, value, writer, expiresAt } = objectOf(json);
    if (!kinds.includes(kind as VersionKind)) throw unfit();
    return {
      key,
      replica: nameOf(replica, maxNameLength),
      counter: wholeOf(counter, 1),
      time: wholeOf(time, 0),
      kind: kind as VersionKind,
      value: kind === 'deleted' ? undefined : kind === 'count' ? checkTotal(value as JsonValue) : ownJson(value, valueLimits),
      writer: nameOf(writer, maxNameLength),
      ...(expiresAt === undefined ? {} : { expiresAt: wholeOf(expiresAt, 0) }),
    };
  }
}

function versionToJson({ replica, counter, time, kind, value, writer, expiresAt }: Version): JsonValue {
  return { replica, counter, time, kind, writer, ...(value === undefined ? {} : { value }), ...(expiresAt === undefined ? {} : { expiresAt }) };
}

function contextToJson({ vector, cloud }: Context): JsonValue {
  return {
    vector: Object.fromEntries(vector),
    ...(cloud.size === 0 ? {} : { cloud: Object.fromEntries([...cloud].map(([replica, counters]) => [replica, [...counters]])) }),
  };
}

function contextFromJson(json: unknown): Context {
  const { vector, cloud } = objectOf(json);
  const sets = Object.entries(cloud === undefined ? {} : objectOf(cloud)).map(
    ([replica, counters]) => [nameOf(replica, maxNameLength), new Set(arrayOf(counters).map((counter) => wholeOf(counter, 1)))] as const,
  );
  return { vector: vectorFromJson(vector), cloud: new Map(sets) };
}

function vectorFromJson(json: unknown): VersionVector {
  return new Map(Object.entries(objectOf(json)).map(([replica, counter]) => [nameOf(replica, maxNameLength), wholeOf(counter, 1)]));
}

function objectOf(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw unfit();
  return json as Readonly<Record<string, unknown>>;
}

function arrayOf(json: unknown): readonly unknown[] {
  if (!Array.isArray(json)) throw unfit();
  return json;
}

function nameOf(json: unknown, maxLength: number): string {
  if (typeof json !== 'string' || json.length > maxLength || !json.isWellFormed()) throw unfit();
  return json;
}

function wholeOf(json: unknown, least: number): number {
  if (!Number.isSafeInteger(json) || (json as number) < least) throw unfit();
  return json as number;
}

function unfit(): InvalidInputError {
  return new InvalidInputError('this is not the JSON of a delta, or is beyond its limits; take what `deltaToJson` gave');
}
