import { type HubHandle, type Module, type ResourceContents, UnavailableError } from '@meshwork/core';
import { type HealthOptions, health } from './health.ts';
import type { Metrics } from './metrics.ts';

export interface TelemetryResourcesOptions extends HealthOptions {
  readonly metrics: Pick<Metrics, 'snapshot' | 'usage' | 'startedAt' | 'closed' | 'prometheus' | 'prometheusContentType'>;
}

/**
 * The module that shows health and metrics as resources, on every face: `health://hub`, and `metrics://hub` both as JSON and in the
 * Prometheus text format. Where the text format cannot be made, as on runtimes other than Node, there is the JSON alone.
 */
export function telemetryResources(options: TelemetryResourcesOptions): Module {
  const { metrics } = options;
  let hub: HubHandle | undefined;
  return {
    name: 'telemetry-resources',
    attach(handle) {
      hub = handle;
    },
    resources: [
      {
        uri: 'health://hub',
        name: 'health',
        title: 'Health of this hub',
        description: 'Status, version, uptime in seconds, connections, tools, memory in MiB and processor use, where 100 is one core.',
        mimeType: 'application/json',
        read() {
          if (hub === undefined) throw new UnavailableError('the hub is not made yet; try again');
          return { json: health(hub, options) };
        },
      },
      {
        uri: 'metrics://hub',
        name: 'metrics',
        title: 'Metrics of this hub',
        description: 'Connections, messages and tool executions, as JSON and in the Prometheus text format.',
        async read({ uri }) {
          const text = await metrics.prometheus().catch(() => undefined);
          const contents: ResourceContents[] = [{ uri, mimeType: 'application/json', text: JSON.stringify(metrics.snapshot()) }];
          if (text !== undefined) contents.push({ uri, mimeType: metrics.prometheusContentType, text });
          return { contents };
        },
      },
    ],
  };
}
