import { type CallKind, type Outcome, outcomes } from '@meshwork/core';

/** Upper bounds of the duration histogram, in seconds. */
export const durationBounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The calls of one kind and, for a tool of the catalogue, one name. */
export interface CallSeries {
  readonly kind: CallKind;
  readonly tool: string | undefined;
  readonly counts: Record<Outcome, number>;
  /** Calls no longer than the bound of the same index and longer than the one before; one more place for those longer than all. */
  readonly buckets: number[];
  sumMs: number;
}

/** Counts calls in plain numbers: nothing is allocated for a call but the first of its name. */
export interface CallTally {
  readonly series: Iterable<Readonly<CallSeries>>;
  record(kind: CallKind, tool: string | undefined, outcome: Outcome, durationMs: number): void;
}

/** `maxTools` bounds the names: a tool that comes after so many others is counted without its name. */
export function createCallTally({ maxTools }: { readonly maxTools: number }): CallTally {
  const byTool = new Map<string, CallSeries>();
  const byKind: Record<CallKind, CallSeries> = { tool: newSeries('tool'), resource: newSeries('resource'), prompt: newSeries('prompt') };
  const seriesOf = (kind: CallKind, tool: string | undefined): CallSeries => {
    if (tool === undefined) return byKind[kind];
    const known = byTool.get(tool);
    if (known !== undefined) return known;
    if (byTool.size >= maxTools) return byKind[kind];
    const series = newSeries(kind, tool);
    byTool.set(tool, series);
    return series;
  };
  return {
    series: {
      *[Symbol.iterator]() {
        yield* Object.values(byKind);
        yield* byTool.values();
      },
    },
    record(kind, tool, outcome, durationMs) {
      const series = seriesOf(kind, tool);
      series.counts[outcome]++;
      series.sumMs += durationMs;
      const place = bucketOf(durationMs / 1_000);
      series.buckets[place] = (series.buckets[place] ?? 0) + 1;
    },
  };
}

function newSeries(kind: CallKind, tool?: string): CallSeries {
  const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  return { kind, tool, counts, buckets: new Array(durationBounds.length + 1).fill(0), sumMs: 0 };
}

function bucketOf(seconds: number): number {
  for (let place = 0; place < durationBounds.length; place++) if (seconds <= (durationBounds[place] ?? 0)) return place;
  return durationBounds.length;
}
