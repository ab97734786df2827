import { InvalidInputError } from '@meshwork/core';
import type { ByteReader } from '../codec/byte-reader.ts';
import type { ByteWriter } from '../codec/byte-writer.ts';
import { fingerprint } from '../fingerprint.ts';
import { readName } from './register-codec.ts';

/** A hub that keeps a board's registers: its name, and the random id of the storage it keeps them in. Who has lost the storage is another member. */
export interface Member {
  readonly name: string;
  readonly id: string;
}

/** The members that majorities are counted among, until the next epoch. */
export interface Epoch {
  /** 1, and one more with every change of members. */
  readonly number: number;
  /** In the order of their names. */
  readonly members: readonly Member[];
}

/** How a message names the epoch it belongs to. */
export interface EpochMark {
  readonly number: number;
  /** Of the members; who reckons with others has another one. Ids are random, so that nobody makes two sets of them that look the same. */
  readonly hash: string;
}

const MAX_MEMBERS = 99;

export function epochOf(number: number, members: Iterable<Member>): Epoch {
  return { number, members: [...members].sort((one, other) => (one.name < other.name ? -1 : 1)) };
}

export function markOf({ number, members }: Epoch): EpochMark {
  const text = JSON.stringify(members.map(({ name, id }) => [name, id]));
  return { number, hash: fingerprint(text) };
}

export function isMark(one: EpochMark, other: EpochMark): boolean {
  return one.number === other.number && one.hash === other.hash;
}

/** Any two sets of so many have a member in common. */
export function majorityOf({ members }: Epoch): number {
  return Math.floor(members.length / 2) + 1;
}

/** @throws {InvalidInputError} when these cannot be the members of a board. */
export function checkMembers(names: readonly string[]): void {
  if (names.length === 0 || names.length > MAX_MEMBERS) throw new InvalidInputError(`a board has 1 to ${MAX_MEMBERS} members, not ${names.length}`);
  if (new Set(names).size !== names.length) throw new InvalidInputError('a hub is named twice among the members of a board; name each once');
}

export function writeEpoch(writer: ByteWriter, { number, members }: Epoch): void {
  writer.varint(number);
  writer.varint(members.length);
  for (const { name, id } of members) {
    writer.text(name);
    writer.text(id);
  }
}

/** @throws {InvalidInputError} when it is none. */
export function readEpoch(reader: ByteReader): Epoch {
  const number = reader.varint();
  const members: Member[] = [];
  for (let left = reader.count(2); left > 0; left--) members.push({ name: readName(reader), id: readName(reader) });
  checkMembers(members.map(({ name }) => name));
  return epochOf(number, members);
}
