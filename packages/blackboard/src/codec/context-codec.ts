import { InvalidInputError } from '@meshwork/core';
import { type Context, emptyCloud, type VersionVector } from '../state/context.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/** Replicas as numbers of a table. */
export function writeVector(writer: ByteWriter, vector: VersionVector, numberOf: (replica: string) => number): void {
  writer.varint(vector.size);
  for (const [replica, counter] of vector) {
    writer.varint(numberOf(replica));
    writer.varint(counter);
  }
}

/** @throws {InvalidInputError} when it names a replica twice, one that is not in the table, or one without a write. */
export function readVector(reader: ByteReader, replicas: readonly string[]): VersionVector {
  const count = reader.count(2);
  const vector = new Map<string, number>();
  for (let at = 0; at < count; at++) {
    const replica = replicaAt(replicas, reader.varint());
    const counter = reader.varint();
    if (counter === 0 || vector.has(replica)) throw unfit();
    vector.set(replica, counter);
  }
  return vector;
}

export function writeContext(writer: ByteWriter, { vector, cloud }: Context, numberOf: (replica: string) => number): void {
  writeVector(writer, vector, numberOf);
  writer.varint(cloud.size);
  for (const [replica, counters] of cloud) {
    writer.varint(numberOf(replica));
    writer.varint(counters.size);
    let last = 0;
    for (const counter of [...counters].sort((one, other) => one - other)) {
      writer.varint(counter - last);
      last = counter;
    }
  }
}

/** @throws {InvalidInputError} as `readVector`. */
export function readContext(reader: ByteReader, replicas: readonly string[]): Context {
  const vector = readVector(reader, replicas);
  const count = reader.count(2);
  if (count === 0) return { vector, cloud: emptyCloud };
  const cloud = new Map<string, ReadonlySet<number>>();
  for (let at = 0; at < count; at++) {
    const replica = replicaAt(replicas, reader.varint());
    if (cloud.has(replica)) throw unfit();
    cloud.set(replica, readCounters(reader));
  }
  return { vector, cloud };
}

function readCounters(reader: ByteReader): ReadonlySet<number> {
  const count = reader.count(1);
  const counters = new Set<number>();
  let last = 0;
  for (let at = 0; at < count; at++) {
    const step = reader.varint();
    last += step;
    if (step === 0 || !Number.isSafeInteger(last)) throw unfit();
    counters.add(last);
  }
  return counters;
}

function replicaAt(replicas: readonly string[], at: number): string {
  const replica = replicas[at];
  if (replica === undefined) throw unfit();
  return replica;
}

function unfit(): InvalidInputError {
  return new InvalidInputError('a message tells of writes that cannot have been seen; ask for it again');
}
