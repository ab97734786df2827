// Run as a child process: many append at once, each with several appends under way, and say which record got which offset. Its parent kills it.
import { openSqlite } from '@meshwork/store-sqlite';

const store = await openSqlite({ path: process.argv[2] ?? '' });
const round = process.argv[3];
const append = async (name: number, count: number) => {
  const marks = Array.from({ length: 1 + (count % 3) }, (_, part) => `${round}/${name}/${count * 10 + part}:`);
  const letter = String.fromCharCode(97 + ((name + count) % 26));
  const times = ((name * 131 + count * 977) % 16_000) + 1;
  const offsets = await store.append(
    'crowd',
    marks.map((mark) => `${mark}${letter}${times}:${letter.repeat(times)}`),
  );
  process.send?.(offsets.map((offset, index) => [offset, marks[index]]));
};
const member = async (name: number) => {
  for (let count = 1; ; count += 4) await Promise.all([0, 1, 2, 3].map((next) => append(name, count + next)));
};
await Promise.all(Array.from({ length: 24 }, (_, name) => member(name)));
