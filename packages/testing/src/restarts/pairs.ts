import type { Journal } from '@meshwork/core';
import type { Ending, Witness } from './witness.ts';

const STREAM = 'pairs';
const PAUSE_MS = 5;

/** What was told of the appends: of each mark how its append ended, and where. */
export type Told = Map<string, { readonly ending: Ending; readonly offsets?: readonly number[] | undefined }>;

/** Appends one mark twice at a time until it is told to stop. */
export async function appendPairs(journal: Journal, name: string, witness: Witness, isOver: () => boolean, told: Told): Promise<void> {
  for (let count = 1; !isOver(); count++) {
    const mark = `${name}/${count}`;
    const { ending, value } = await witness.write(`append ${mark}`, () => journal.append(STREAM, [mark, mark]));
    told.set(mark, { ending, offsets: value });
    if (ending !== 'done') await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Follows the stream from its first record: offsets without a gap or a double. */
export async function followPairs(journal: Journal, witness: Witness, signal: AbortSignal, seen: { head: number }): Promise<void> {
  for await (const { offset } of journal.follow(STREAM, { from: 1, signal })) {
    if (offset !== seen.head + 1) witness.fault(`a follower saw offset ${offset} after ${seen.head}`);
    seen.head = offset;
  }
}

/** Holds the stream against what was told of it. Returns its head. */
export async function checkPairs(journal: Journal, witness: Witness, told: Told): Promise<number> {
  const marks: string[] = [];
  for await (const { offset, value } of journal.read(STREAM)) {
    if (offset !== marks.length + 1) witness.fault(`offset ${offset} stands where ${marks.length + 1} should`);
    marks.push(String(value));
  }
  const places = new Map<string, number[]>();
  for (const [index, mark] of marks.entries()) places.set(mark, [...(places.get(mark) ?? []), index + 1]);
  for (const [mark, { ending, offsets }] of told) {
    const found = (places.get(mark) ?? []).join();
    if (ending === 'done' && found !== offsets?.join()) witness.fault(`${mark} was acknowledged at ${offsets?.join()} and is at ${found || 'no place'}`);
    if (ending === 'not-done' && found !== '') witness.fault(`${mark} was said not to be appended and is at ${found}`);
  }
  for (const [mark, [first = 0, second, ...more]] of places) if (second !== first + 1 || more.length > 0) witness.fault(`${mark} is not one whole pair`);
  const head = await witness.read('head', () => journal.head(STREAM));
  if (head !== marks.length) witness.fault(`the head is ${head} and ${marks.length} records are there`);
  return head;
}
