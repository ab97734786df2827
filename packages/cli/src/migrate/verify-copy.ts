import { createHash, type Hash } from 'node:crypto';
import { ConflictError, type JournalRecord, type Store } from '@meshwork/core';
import { bothKeys, contentOf, isSameEntry } from './both-keys.ts';

/** What a store holds. */
export interface Inventory {
  readonly keys: number;
  readonly streams: number;
  /** Records that are kept: not those that were trimmed. */
  readonly records: number;
  /** SHA-256 over every key with its value, and every stream with its end and its records, with their times; of both stores, since they are the same. */
  readonly digest: string;
}

/** Reads both stores. @throws {ConflictError} that names the first thing in which they differ. */
export async function verifyCopy({ from, to, onStep }: { readonly from: Store; readonly to: Store; readonly onStep: () => void }): Promise<Inventory> {
  const hashes = [createHash('sha256'), createHash('sha256')] as const;
  const keys = await verifyKeys(from, to, hashes, onStep);
  let streams = 0;
  let records = 0;
  const others = to.streams()[Symbol.asyncIterator]();
  for await (const stream of from.streams()) {
    const other = await others.next();
    if (other.done === true || other.value !== stream) throw differs(`the stream ${JSON.stringify(stream)}`);
    records += await verifyStream(from, to, stream, hashes, onStep);
    streams += 1;
  }
  if ((await others.next()).done !== true) throw differs('the names of the streams');
  const [digest, copy] = hashes.map((hash) => hash.digest('hex'));
  if (digest === undefined || digest !== copy) throw differs('the digests');
  return { keys, streams, records, digest: `sha256:${digest}` };
}

async function verifyKeys(from: Store, to: Store, [source, target]: readonly [Hash, Hash], onStep: () => void): Promise<number> {
  let keys = 0;
  for await (const both of bothKeys(from, to)) {
    onStep();
    let pair: Pick<typeof both, 'source' | 'target'> = both;
    // What expires while it is read is there in one and gone in the other.
    if (pair.source === undefined || pair.target === undefined) pair = { source: await from.get(both.key), target: await to.get(both.key) };
    if (pair.source === undefined && pair.target === undefined) continue;
    if (pair.source === undefined || pair.target === undefined || !isSameEntry(pair.source, pair.target)) throw differs(`the key ${JSON.stringify(both.key)}`);
    add(source, both.key, contentOf(pair.source.value));
    add(target, both.key, contentOf(pair.target.value));
    keys += 1;
  }
  return keys;
}

async function verifyStream(from: Store, to: Store, stream: string, [source, target]: readonly [Hash, Hash], onStep: () => void): Promise<number> {
  const what = `the stream ${JSON.stringify(stream)}`;
  const heads = await Promise.all([from.head(stream), to.head(stream)]);
  if (heads[0] !== heads[1]) throw differs(`${what}, which ends at ${heads[0]} and at ${heads[1]}`);
  const copies = to.read(stream)[Symbol.asyncIterator]();
  let records = 0;
  // One that cannot take a copy's times has its own.
  const timeOf = ({ time }: JournalRecord) => (to.appendPast === undefined ? 0 : Math.floor(time));
  const addRecord = (hash: Hash, record: JournalRecord) => add(hash, `${stream}\n${record.offset} ${timeOf(record)}`, contentOf(record.value));
  for await (const record of from.read(stream)) {
    onStep();
    const copy = await copies.next();
    if (
      copy.done === true ||
      copy.value.offset !== record.offset ||
      timeOf(copy.value) !== timeOf(record) ||
      !contentOf(copy.value.value).equals(contentOf(record.value))
    )
      throw differs(`${what} at ${record.offset}`);
    addRecord(source, record);
    addRecord(target, copy.value);
    records += 1;
  }
  if ((await copies.next()).done !== true) throw differs(`${what}, of which the target has more`);
  add(source, `${stream}\n`, Buffer.from(String(heads[0])));
  add(target, `${stream}\n`, Buffer.from(String(heads[1])));
  return records;
}

/** With their lengths, so that no two lists of names and contents give the same bytes. */
function add(hash: Hash, name: string, content: Uint8Array): void {
  hash.update(`${Buffer.byteLength(name)} ${content.length}\n${name}`).update(content);
}

function differs(what: string): ConflictError {
  return new ConflictError(`source and target differ in ${what}; stop every hub on either, then run the same command again`);
}
