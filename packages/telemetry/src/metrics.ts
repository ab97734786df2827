import { type Clock, type HubEvents, type HubHandle, type Module, type Outcome, systemClock } from '@meshwork/core';
import { createCallTally } from './call-tally.ts';
import { endOf } from './outcome.ts';
import { createUsageMeter, type ProcessUsage } from './process-usage.ts';
import { createTraffic, type TrafficMeter } from './traffic.ts';

export interface MetricsOptions {
  readonly clock?: Clock;
  /** Adds the process's own metrics (memory, event loop, garbage collection) to the exposition, from the first scrape on. Default false. */
  readonly processMetrics?: boolean;
  /** So many tools get series of their own; those after them are counted without their name. Default 1,000. */
  readonly maxTools?: number;
}

/** The numbers for people and dashboards that want JSON. */
export interface MetricsSnapshot {
  readonly connections: { readonly current: number; readonly peak: number; readonly total: number };
  readonly messages: { readonly sent: number; readonly received: number; readonly failed: number };
  readonly tools: { readonly executions: number; readonly failures: number; readonly avg_latency_ms: number };
}

/** The module, the meter for transports, and what is read from it. */
export interface Metrics extends Module, TrafficMeter {
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** True once the hub has closed its modules. */
  readonly closed: boolean;
  snapshot(): MetricsSnapshot;
  /** Memory and processor, measured between one reading and the next. */
  usage(): ProcessUsage;
  /** The Prometheus text format; loads `prom-client` when first called. */
  prometheus(): Promise<string>;
  /** The `Content-Type` of `prometheus()`. */
  readonly prometheusContentType: string;
}

/** Calls that reached their work, and those of them that did not bring its answer. */
const executed: readonly Outcome[] = ['ok', 'input-required', 'failed', 'cancelled'];
const failed: readonly Outcome[] = ['failed', 'cancelled'];

/** Counts what a hub does, in plain numbers; text and labels are made when somebody asks. */
export function createMetrics({ clock = systemClock, processMetrics = false, maxTools = 1_000 }: MetricsOptions = {}): Metrics {
  const traffic = createTraffic();
  const calls = createCallTally({ maxTools });
  const usage = createUsageMeter({ clock });
  let executedMs = 0;
  let closed = false;
  let exposition: Promise<() => Promise<string>> | undefined;

  const finished =
    ({ catalogue }: HubHandle): HubEvents['call-finished'] =>
    ({ call, durationMs, ...ended }) => {
      const { outcome } = endOf(call, ended, catalogue);
      const target = call.kind === 'tool' ? catalogue.find('tool', call.name) : undefined;
      calls.record(call.kind, target?.kind === 'tool' ? target.tool.name : undefined, outcome, durationMs);
      if (call.kind === 'tool' && executed.includes(outcome)) executedMs += durationMs;
    };

  return {
    name: 'metrics',
    attach: (hub) => void hub.events.on('call-finished', finished(hub)),
    close() {
      closed = true;
    },
    startedAt: clock.now(),
    get closed() {
      return closed;
    },
    connectionOpened: traffic.connectionOpened,
    messageReceived: traffic.messageReceived,
    messageSent: traffic.messageSent,
    messageFailed: traffic.messageFailed,
    usage,
    snapshot() {
      const { connections, connectionsTotal, peak, sent, received, failed: lost } = traffic.totals();
      let executions = 0;
      let failures = 0;
      for (const { kind, counts } of calls.series) {
        if (kind !== 'tool') continue;
        for (const outcome of executed) executions += counts[outcome];
        for (const outcome of failed) failures += counts[outcome];
      }
      const avg_latency_ms = executions === 0 ? 0 : Math.round((executedMs / executions) * 100) / 100;
      return {
        connections: { current: connections, peak, total: connectionsTotal },
        messages: { sent, received, failed: lost },
        tools: { executions, failures, avg_latency_ms },
      };
    },
    async prometheus() {
      exposition ??= import('./exposition.ts').then(({ createExposition }) => createExposition({ traffic, calls, processMetrics }));
      return (await exposition)();
    },
    prometheusContentType: 'text/plain; version=0.0.4; charset=utf-8',
  };
}
