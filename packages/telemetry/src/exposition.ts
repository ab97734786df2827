import { outcomes } from '@meshwork/core';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type CallSeries, type CallTally, durationBounds } from './call-tally.ts';
import type { Traffic } from './traffic.ts';

export interface ExpositionOptions {
  readonly traffic: Traffic;
  readonly calls: CallTally;
  readonly processMetrics: boolean;
}

/** Shows the tallies in the Prometheus text format, from a registry of its own; `prom-client` hears of the numbers when it is asked for them. */
export function createExposition({ traffic, calls, processMetrics }: ExpositionOptions): () => Promise<string> {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];

  const connections = new Gauge({
    name: 'meshwork_connections',
    help: 'Connections that are open.',
    labelNames: ['face'],
    registers,
    collect: () => {
      for (const [face, { connections: open }] of traffic.byFace) connections.set({ face }, open);
    },
  });
  const connectionsTotal = new Counter({
    name: 'meshwork_connections_total',
    help: 'Connections that were opened.',
    labelNames: ['face'],
    registers,
    collect: () => {
      connectionsTotal.reset();
      for (const [face, { connectionsTotal: opened }] of traffic.byFace) connectionsTotal.inc({ face }, opened);
    },
  });
  const messages = new Counter({
    name: 'meshwork_messages_total',
    help: 'Messages by direction.',
    labelNames: ['direction', 'face'],
    registers,
    collect: () => {
      messages.reset();
      for (const [face, { received, sent }] of traffic.byFace) {
        messages.inc({ direction: 'received', face }, received);
        messages.inc({ direction: 'sent', face }, sent);
      }
    },
  });
  const lost = new Counter({
    name: 'meshwork_messages_failed_total',
    help: 'Messages that could not be read, answered or delivered.',
    labelNames: ['face'],
    registers,
    collect: () => {
      lost.reset();
      for (const [face, { failed }] of traffic.byFace) lost.inc({ face }, failed);
    },
  });
  const total = new Counter({
    name: 'meshwork_calls_total',
    help: 'Calls that have ended, by outcome; those of tools with the name the catalogue has.',
    labelNames: ['kind', 'outcome', 'tool'],
    registers,
    collect: () => {
      total.reset();
      for (const series of calls.series) {
        for (const outcome of outcomes) if (series.counts[outcome] > 0) total.inc({ ...labelsOf(series), outcome }, series.counts[outcome]);
      }
    },
  });
  // A histogram of prom-client takes one observation at a time; this one is read from the tally, whose buckets are filled already.
  const durations = { name: 'meshwork_call_duration_seconds', help: 'How long calls took in the hub.' };
  const read = async () => ({ ...durations, type: 'histogram', aggregator: 'sum', values: [...calls.series].flatMap((each) => linesOf(durations.name, each)) });
  Object.assign(new Histogram({ ...durations, labelNames: ['kind', 'tool'], buckets: [...durationBounds], registers }), { get: read, getForPromString: read });

  if (processMetrics) collectDefaultMetrics({ register: registry });
  return () => registry.metrics();
}

function labelsOf({ kind, tool }: CallSeries): { kind: string; tool?: string } {
  return { kind, ...(tool !== undefined && { tool }) };
}

function linesOf(name: string, series: CallSeries) {
  const labels = labelsOf(series);
  let count = 0;
  const buckets = series.buckets.map((calls, place) => {
    count += calls;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: durationBounds[place] ?? '+Inf' }, value: count };
  });
  if (count === 0) return [];
  return [...buckets, { metricName: `${name}_sum`, labels, value: series.sumMs / 1_000 }, { metricName: `${name}_count`, labels, value: count }];
}
