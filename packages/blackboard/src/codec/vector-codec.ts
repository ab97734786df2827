import { InvalidInputError } from '@meshwork/core';
import type { VersionVector } from '../state/context.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/** Characters of a replica's or a writer's name in a message. */
export const maxNameLength = 1_024;

/** In the order of the replicas' names, so that equal vectors are equal bytes. */
export function encodeVector(writer: ByteWriter, vector: VersionVector): void {
  const sorted = [...vector].sort(([one], [other]) => (one < other ? -1 : 1));
  writer.varint(sorted.length);
  for (const [replica, counter] of sorted) {
    writer.text(replica);
    writer.varint(counter);
  }
}

/** @throws {InvalidInputError} when there is none to be read, or it names a replica twice. */
export function decodeVector(reader: ByteReader): VersionVector {
  const count = reader.count(2);
  const vector = new Map<string, number>();
  let last: string | undefined;
  for (let at = 0; at < count; at++) {
    const replica = reader.text(maxNameLength);
    const counter = reader.varint();
    if (last !== undefined && replica <= last) throw new InvalidInputError('a vector names its replicas twice or out of order; ask for it again');
    if (counter === 0) throw new InvalidInputError(`a vector has no write of ${JSON.stringify(replica)}; ask for it again`);
    vector.set(replica, counter);
    last = replica;
  }
  return vector;
}
