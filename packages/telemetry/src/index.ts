export { type HealthOptions, type HealthReport, health } from './health.ts';
export type { LogFields, Logger, LogLevelName } from './log.ts';
export { type HubLog, logHub } from './log-hub.ts';
export { createMetrics, type Metrics, type MetricsOptions, type MetricsSnapshot } from './metrics.ts';
export type { ProcessUsage } from './process-usage.ts';
export { type TelemetryResourcesOptions, telemetryResources } from './telemetry-resources.ts';
export { type TracingOptions, tracing } from './tracing.ts';
export type { TrafficFace, TrafficMeter } from './traffic.ts';
