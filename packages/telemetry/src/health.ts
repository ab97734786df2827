import { type Clock, type HubHandle, systemClock } from '@meshwork/core';
import type { Metrics } from './metrics.ts';

export interface HealthOptions {
  readonly metrics: Pick<Metrics, 'snapshot' | 'usage' | 'startedAt' | 'closed'>;
  /** Default: the hub's. */
  readonly version?: string;
  /** Milliseconds since the Unix epoch. Default: when the metrics were made. */
  readonly startedAt?: number;
  /** Aborted by whoever begins to close the hub: from then on the status is `closing`. Without it, only a hub that has closed is known to. */
  readonly closing?: AbortSignal;
  /** What an operator should know and do, in words for people. Every caller may read it. Default: nothing. */
  readonly warnings?: () => readonly string[];
  readonly clock?: Clock;
}

/** The body of a health endpoint. */
export interface HealthReport {
  readonly status: 'healthy' | 'closing';
  readonly version: string;
  /** Whole seconds. */
  readonly uptime: number;
  readonly connections: number;
  readonly tools: number;
  /** Resident memory in MiB; 0 where the runtime does not tell, as is `cpu_percent`. */
  readonly memory_mb: number;
  /** Since the report before, at least a second ago; 100 is one core. */
  readonly cpu_percent: number;
  /** What an operator should do something about; absent when there is nothing. */
  readonly warnings?: readonly string[];
}

/** How the hub is. A load balancer should send nothing to one that is `closing`. */
export function health(hub: Pick<HubHandle, 'info' | 'catalogue'>, options: HealthOptions): HealthReport {
  const { metrics, version = hub.info.version, startedAt = metrics.startedAt, closing, clock = systemClock } = options;
  const warnings = options.warnings?.() ?? [];
  const { memoryMb, cpuPercent } = metrics.usage();
  return {
    status: closing?.aborted || metrics.closed ? 'closing' : 'healthy',
    version,
    uptime: Math.max(0, Math.floor((clock.now() - startedAt) / 1_000)),
    connections: metrics.snapshot().connections.current,
    tools: hub.catalogue.tools.length,
    memory_mb: memoryMb,
    cpu_percent: cpuPercent,
    ...(warnings.length > 0 && { warnings }),
  };
}
