import type { Hub } from '@meshwork/core';
import type { Route } from '../http/http-faces.ts';
import type { JsonCaps } from '../http/read-body.ts';
import { createEndpointsRoute } from './endpoint.ts';
import { gatewayEndpoints } from './gateway-endpoints.ts';
import { openApiEndpoints } from './openapi-endpoints.ts';
import { operationEndpoints } from './operation-endpoints.ts';
import { resourceEndpoints } from './resource-endpoints.ts';
import { createRestCall } from './rest-call.ts';
import { toolEndpoints } from './tool-endpoints.ts';

export interface RestRouteOptions extends JsonCaps {
  readonly path?: string;
  readonly maxBodyBytes?: number;
  readonly callTimeoutMs?: number;
  /** Where OAuth clients read what this hub wants. */
  readonly metadataUrl?: string | undefined;
  readonly isClosing: () => boolean;
  readonly onError?: (error: unknown) => void;
}

/** Everything a hub shows over plain HTTP beside MCP: facades of one catalogue, all of which end in `hub.call`. */
export function createRestRoute(hub: Hub, options: RestRouteOptions): Route {
  const { path = '/mcp', maxBodyBytes = 2 ** 20, callTimeoutMs = 300_000, jsonLimits, metadataUrl, isClosing, onError = () => {} } = options;
  const parts = {
    hub,
    base: path.replace(/\/+$/, ''),
    body: { maxBodyBytes, jsonLimits },
    isClosing,
    call: createRestCall(hub, { callTimeoutMs, metadataUrl }),
  };
  const endpoints = [
    ...toolEndpoints(parts),
    ...resourceEndpoints(parts),
    ...gatewayEndpoints(parts),
    ...operationEndpoints(parts),
    ...openApiEndpoints(parts),
  ];
  return createEndpointsRoute(endpoints, onError);
}
