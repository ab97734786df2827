import type { Contender, Measured } from './contender.ts';
import { median } from './median.ts';

export interface Sizes {
  readonly rounds: number;
  readonly durationMs: number;
  readonly connections: number;
}

/** What each contender did in each round; contenders take turns, so that a noisy minute falls on all of them. */
export type Rounds = ReadonlyMap<string, readonly Measured[]>;

/** As many calls as they answer. */
export async function measureCalls(contenders: readonly Contender[], { rounds, durationMs, connections }: Sizes): Promise<Rounds> {
  for (const contender of contenders) await contender.measure({ connections, durationMs: durationMs / 2 });
  return inTurns(contenders, rounds, (contender) => contender.measure({ connections, durationMs }));
}

/** Calls at a steady rate, for their latency. */
export async function measureLatency(contenders: readonly Contender[], rate: number, { rounds, durationMs, connections }: Sizes): Promise<Rounds> {
  for (const contender of contenders) await contender.measure({ connections, durationMs: durationMs / 2, rate });
  return inTurns(contenders, rounds, (contender) => contender.measure({ connections, durationMs, rate }));
}

async function inTurns(contenders: readonly Contender[], rounds: number, measure: (contender: Contender) => Promise<Measured>): Promise<Rounds> {
  const results = new Map<string, Measured[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) results.get(contender.name)?.push(await measure(contender));
  }
  return results;
}

/** The median over the rounds of one figure of a contender. */
export function medianOf(rounds: Rounds, name: string, figure: (measured: Measured) => number): number {
  return median((rounds.get(name) ?? []).map(figure));
}

/** The median of the rounds' ratios of one figure: both sides of a ratio come from the same minute. */
export function medianRatio(rounds: Rounds, name: string, to: string, figure: (measured: Measured) => number): number {
  const others = rounds.get(to) ?? [];
  return median((rounds.get(name) ?? []).map((measured, round) => figure(measured) / figure(others[round] as Measured)));
}
