import { type Hub, MeshworkError, NotFoundError, type ResourceContents } from '@meshwork/core';
import { json, jsonText, type PlainResponse } from '../http/plain-http.ts';
import type { Endpoint, EndpointHandler, EndpointRequest } from './endpoint.ts';
import { pickType } from './pick-type.ts';
import type { RestCall } from './rest-call.ts';

export interface GatewayEndpointsOptions {
  readonly hub: Hub;
  readonly call: RestCall;
  readonly base: string;
  /** True from when the faces or the application began to close. */
  readonly isClosing: () => boolean;
}

/** What the gateway tells about itself. All of it is read from the hub, as resources; without a key there is only whether it is up. */
export function gatewayEndpoints({ hub, call, base, isClosing }: GatewayEndpointsOptions): readonly Endpoint[] {
  const has = (uri: string) => hub.catalogue.find('resource', uri) !== undefined;
  const read = async (uri: string, broughtBy: string, from: EndpointRequest): Promise<readonly ResourceContents[]> => {
    if (!has(uri)) throw new NotFoundError(`this hub has no ${uri}; ${broughtBy} brings it`);
    const result = await call({ kind: 'resource', name: uri }, from);
    return result.kind === 'resource' ? result.contents : [];
  };

  const short = () => statusResponse(isClosing() ? 'closing' : 'healthy');
  const health: EndpointHandler = async (from) => {
    if (!has('health://hub')) return short();
    try {
      const body = textOf(await read('health://hub', '', from), 'application/json');
      const { status } = JSON.parse(body) as { status?: unknown };
      return jsonText(body, status === 'closing' ? 503 : 200);
    } catch (error) {
      if (MeshworkError.isInstance(error) && error.code === 'CLOSED') return statusResponse('closing');
      throw error;
    }
  };
  const metrics: EndpointHandler = async (from) => {
    const type = pickType(from.request.header('accept'), ['application/json', ...PROMETHEUS]);
    if (type === undefined) throw new MeshworkError('NOT_ACCEPTABLE', 'the metrics come as application/json or text/plain (Prometheus)');
    const contents = await read('metrics://hub', 'telemetryResources of @meshwork/telemetry', from);
    if (!PROMETHEUS.includes(type)) return jsonText(textOf(contents, type));
    const found = contents.find(({ mimeType }) => isOf(mimeType, 'text/plain'));
    return jsonText(textOf(contents, 'text/plain'), 200, { 'content-type': found?.mimeType ?? 'text/plain' });
  };
  const agents: EndpointHandler = async (from) =>
    jsonText(textOf(await read('agents://connected', 'presenceModule of @meshwork/transports', from), 'application/json'));

  return [
    { path: `${base}/health`, GET: health, openGet: short },
    { path: '/health', GET: health, openGet: short },
    { path: `${base}/metrics`, GET: metrics },
    { path: `${base}/agents`, GET: agents },
    { path: '/version', GET: () => json({ name: hub.info.name, version: hub.info.version }) },
  ];
}

/** The text format is offered to those who ask for OpenMetrics too: every scraper that does takes both. */
const PROMETHEUS: readonly string[] = ['text/plain', 'application/openmetrics-text'];

/** A load balancer goes by the status code. */
function statusResponse(status: 'healthy' | 'closing'): PlainResponse {
  return json({ status }, status === 'closing' ? 503 : 200);
}

function textOf(contents: readonly ResourceContents[], type: string): string {
  const found = contents.find(({ mimeType }) => isOf(mimeType, type));
  if (found === undefined || !('text' in found)) throw new TypeError(`the resource holds no ${type}`);
  return found.text;
}

function isOf(mimeType: string | undefined, type: string): boolean {
  return mimeType?.split(';', 1)[0]?.trim() === type;
}
