import { setTimeout } from 'node:timers/promises';
import type { JsonValue } from '@meshwork/core';
import { median } from '../median.ts';
import type { OpenSide, Side } from './side.ts';

export interface Sizes {
  /** Entries of a full state. */
  readonly entries: number;
  /** Keys that are written one by one. */
  readonly distinct: number;
  /** Writes over a thousand keys. */
  readonly overwrites: number;
  /** Times each thing is done; the least disturbed of them counts. */
  readonly rounds: number;
}

type Opened = Awaited<ReturnType<OpenSide>>;
/** Figures by name. */
export type Figures = Readonly<Record<string, number>>;

const keysOverwritten = 1_000;
const keysChanged = 100;

/** What is measured, each by itself in a process of its own. Times are those of the processor. */
export const measures = {
  /** Writes a second: each key once, after as many that warm up; and a thousand keys again and again. */
  async writes(open: Opened, { distinct: entries, overwrites, rounds }: Sizes): Promise<Figures> {
    const keys = keysOf(entries);
    const values = keys.map((_, n) => entryOf(n));
    const write = (side: Side, count: number, among: number) => {
      for (let n = 0; n < count; n++) side.set(keys[n % among] as string, values[n % entries] as JsonValue);
    };
    // Stays alive: what an engine has learnt of objects goes when the last of them goes.
    const warm = [open('warm-up'), open('warm-up 2')] as const;
    write(warm[0], Math.ceil(entries / 5), entries);
    write(warm[1], Math.ceil(entries / 5), keysOverwritten);
    const distinct = await each(rounds, (at) => {
      const side = open(`distinct ${at}`);
      const micros = cpuMicros(() => write(side, entries, entries));
      expectSize(side, entries);
      return micros;
    });
    const again = await each(rounds, (at) => {
      const side = open(`overwrites ${at}`);
      write(side, keysOverwritten, keysOverwritten);
      const micros = cpuMicros(() => write(side, overwrites, keysOverwritten));
      expectSize(side, keysOverwritten);
      return micros;
    });
    expectSize(warm[1], Math.min(keysOverwritten, Math.ceil(entries / 5)));
    return { 'sets of distinct keys /s': (entries / distinct) * 1e6, 'overwrites of 1,000 keys /s': (overwrites / again) * 1e6 };
  },

  /** What the heap, and what is held outside of it, grow by: keys and values among it, which are parsed from JSON for each. */
  async heap(open: Opened, { entries }: Sizes): Promise<Figures> {
    const texts = keysOf(entries).map((key, n) => JSON.stringify({ key, value: entryOf(n) }));
    const warm = open('warm-up');
    fillFrom(warm, texts.slice(0, 1_000));
    const before = await memory();
    const side = open('heap');
    fillFrom(side, texts);
    const after = await memory();
    expectSize(side, entries);
    return { 'heap an entry (bytes)': (after - before) / entries };
  },

  /** The whole state as bytes, and back: loaded by an empty document, merged by one that holds other entries. */
  async state(open: Opened, { entries, rounds }: Sizes): Promise<Figures> {
    const side = open('full');
    fill(side, entries);
    const bytes = side.encode();
    const warm = open('warm-up');
    load(warm, bytes);
    const encoded = await each(rounds, () => cpuMicros(() => side.encode()));
    const loaded = await each(rounds, (at) => {
      const other = open(`loads ${at}`);
      const micros = cpuMicros(() => load(other, bytes));
      expectSize(other, entries);
      return micros;
    });
    const merged = await each(rounds, (at) => {
      const other = open(`merges ${at}`);
      for (let n = 0; n < 1_000; n++) other.set(`other/${n}`, entryOf(n));
      const micros = cpuMicros(() => load(other, bytes));
      expectSize(other, entries + 1_000);
      return micros;
    });
    expectSize(warm, entries);
    return {
      'full state (bytes)': bytes.length,
      'full state, deflated (bytes)': await deflated(bytes),
      'encode (ms)': encoded / 1e3,
      'load (ms)': loaded / 1e3,
      'merge (ms)': merged / 1e3,
    };
  },

  /** Two documents of twice as many entries that are equal, but for a hundred. */
  async round(open: Opened, { entries, rounds }: Sizes): Promise<Figures> {
    const [here, there] = [open('here'), open('there')];
    fill(here, entries * 2);
    load(there, here.encode());
    const taken: { readonly micros: number; readonly bytes: number }[] = [];
    // Until it is warm: those who need long for a round are warm after a few.
    for (let at = 0, spent = 0; at < 5 || (at < rounds * 20 && spent < 2e6); at++) {
      setAll(
        here,
        Array.from({ length: keysChanged }, (_, n) => [keyOf((n * 1_999 + at) % (entries * 2)), entryOf(n + at)] as const),
      );
      let bytes = 0;
      const micros = cpuMicros(() => {
        const question = there.ask();
        const answer = here.answer(question);
        there.merge(answer);
        bytes = question.length + answer.length;
      });
      taken.push({ micros, bytes });
      spent += micros;
    }
    const warm = taken.slice(Math.floor(taken.length / 2));
    expectSize(there, entries * 2);
    return {
      '100 changed of twice as many: reconciled (ms)': median(warm.map(({ micros }) => micros)) / 1e3,
      '100 changed of twice as many: reconciled (bytes)': median(warm.map(({ bytes }) => bytes)),
    };
  },

  /** What history costs. */
  async history(open: Opened, { overwrites }: Sizes): Promise<Figures> {
    const side = open('history');
    let once = 0;
    for (let n = 0; n < overwrites; n++) {
      side.set(keyOf(n % keysOverwritten), entryOf(n));
      if (n === keysOverwritten - 1) once = side.encode().length;
    }
    return { 'after 1,000 writes of 1,000 keys (bytes)': once, 'after all overwrites of 1,000 keys (bytes)': side.encode().length };
  },
};

export type MeasureName = keyof typeof measures;

function keyOf(n: number): string {
  return `task/${String(n).padStart(6, '0')}`;
}

function keysOf(entries: number): string[] {
  return Array.from({ length: entries }, (_, n) => keyOf(n));
}

function entryOf(n: number): { readonly [name: string]: JsonValue } {
  return { task: `summarise report ${(n * 7_919) % 1_000_003}`, status: ['open', 'claimed', 'done'][n % 3] as string, n };
}

function fill(side: Side, entries: number): void {
  setAll(
    side,
    keysOf(entries).map((key, n) => [key, entryOf(n)] as const),
  );
}

function setAll(side: Side, all: Iterable<readonly [key: string, value: JsonValue]>): void {
  if (side.setAll === undefined) for (const [key, value] of all) side.set(key, value);
  else side.setAll(all);
}

function load(side: Side, bytes: Uint8Array): void {
  if (side.load === undefined) side.merge(bytes);
  else side.load(bytes);
}

function fillFrom(side: Side, texts: readonly string[]): void {
  const parsed = function* () {
    for (const text of texts) {
      const { key, value } = JSON.parse(text) as { key: string; value: JsonValue };
      yield [key, value] as const;
    }
  };
  setAll(side, parsed());
}

/** Microseconds of the round that was disturbed least: whoever shares the machine only adds to them. */
async function each(rounds: number, work: (at: number) => number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < rounds; at++) {
    globalThis.gc?.();
    // What is swept in other threads after a collection is over by then.
    await setTimeout(50);
    least = Math.min(least, work(at));
  }
  return least;
}

/** All the process used: what collects garbage and compiles in other threads too. */
function cpuMicros(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function memory(): Promise<number> {
  for (let times = 0; times < 4; times++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function deflated(bytes: Uint8Array): Promise<number> {
  const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

function expectSize(side: Side, size: number): void {
  if (side.size() !== size) throw new Error(`${side.size()} keys are held where ${size} were written`);
}
