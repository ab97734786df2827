import { median } from '../median.ts';
import { nats } from './nats.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import type { Pairing, Side } from './side.ts';
import { sqlite } from './sqlite.ts';

export interface StoreRates {
  readonly name: string;
  readonly bare: string;
  readonly putsPerSecond: number;
  readonly appendsPerSecond: number;
  /** Ours through bare, of each round; the median. */
  readonly putsRatio: number;
  readonly appendsRatio: number;
}

/** The drivers; another is one line. */
const pairings: readonly Pairing[] = [sqlite, postgres, redis, nats];

const VALUE_BYTES = 200;
const KEYS = 1_000;

type Work = 'put' | 'append';

/** Durable writes a second of every driver and of its engine's bare library, which take turns. An engine that is not on this machine is left out. */
export async function measureStores({ rounds = 9, durationMs = 600 } = {}): Promise<readonly StoreRates[]> {
  const rates: StoreRates[] = [];
  for (const { name, bare, putsUntilFull = 0, open } of pairings) {
    const sides = await open();
    if (sides === undefined) continue;
    try {
      for (const side of [sides.bare, sides.ours]) await fill(side, putsUntilFull);
      const puts = await compare(sides, 'put', { rounds, durationMs });
      const appends = await compare(sides, 'append', { rounds, durationMs });
      rates.push({ name, bare, putsPerSecond: puts.perSecond, putsRatio: puts.ratio, appendsPerSecond: appends.perSecond, appendsRatio: appends.ratio });
    } finally {
      await Promise.all([sides.ours.close(), sides.bare.close()]);
      await sides.close();
    }
  }
  return rates;
}

async function compare(sides: { readonly ours: Side; readonly bare: Side }, work: Work, { rounds, durationMs }: { rounds: number; durationMs: number }) {
  const ours: number[] = [];
  const ratios: number[] = [];
  for (const side of [sides.bare, sides.ours]) await measure(side, work, durationMs / 4);
  for (let round = 0; round < rounds; round++) {
    const bare = await measure(sides.bare, work, durationMs);
    const own = await measure(sides.ours, work, durationMs);
    ours.push(own);
    ratios.push(own / bare);
  }
  return { perSecond: Math.round(median(ours)), ratio: median(ratios) };
}

async function fill(side: Side, puts: number): Promise<void> {
  const value = new Uint8Array(VALUE_BYTES);
  let begun = 0;
  const caller = async () => {
    while (begun < puts) await side.put(`key/${begun++ % KEYS}`, value);
  };
  await Promise.all(Array.from({ length: side.callers }, caller));
}

async function measure(side: Side, work: Work, durationMs: number): Promise<number> {
  const value = new Uint8Array(VALUE_BYTES).fill(97);
  let done = 0;
  const started = performance.now();
  const caller = async () => {
    while (performance.now() - started < durationMs) {
      const writing = work === 'put' ? side.put(`key/${done % KEYS}`, value) : side.append(value);
      done += 1;
      // One that is done when it returns is not waited for.
      if (writing instanceof Promise) await writing;
    }
  };
  await Promise.all(Array.from({ length: side.callers }, caller));
  return done / ((performance.now() - started) / 1_000);
}
