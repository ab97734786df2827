import type { Hub } from '@meshwork/core';
import { type Callers, createCallers } from './callers.ts';
import { createHttpFaces, type HttpFacesOptions } from './http-faces.ts';
import { type ConnectionFacts, type PlainRequest, toResponse } from './plain-http.ts';
import { readBytes } from './read-body.ts';

export type FetchHandlerOptions = HttpFacesOptions;

export interface FetchHandler {
  (request: Request, facts?: ConnectionFacts): Promise<Response>;
  /** Sends an event to every open HTTP+SSE stream; returns to how many. @throws {TypeError} when the name is MCP's own or not a plain word. */
  broadcast(event: string, data: unknown): number;
  close(): Promise<void>;
}

/**
 * Shows a hub over HTTP in Web-standard terms, for any runtime that has `Request` and `Response`: MCP at `/mcp`, REST beside it. What the
 * server knows of the connection comes as `facts`; without a `remoteAddress` a caller counts as external. `trustedProxies` are looked for in
 * its `remoteAddress`; leave them out where the host has resolved forwarding headers itself.
 */
export function createFetchHandler(hub: Hub, options: FetchHandlerOptions): FetchHandler {
  const faces = createHttpFaces(hub, options);
  const callers = createCallers(options);
  const handler = async (request: Request, facts: ConnectionFacts = {}) =>
    withoutBody(request, toResponse(await faces.handle(plainOf(request, facts, callers))));
  return Object.assign(handler, { broadcast: faces.broadcast, close: () => faces.close() });
}

/** `HEAD` is answered like `GET`, but for the body. */
function withoutBody({ method }: Request, response: Response): Response {
  return method === 'HEAD' ? new Response(null, { status: response.status, headers: response.headers }) : response;
}

function plainOf(request: Request, peer: ConnectionFacts, callers: Callers): PlainRequest {
  const { pathname, search, searchParams } = new URL(request.url);
  const { method, headers, signal } = request;
  return {
    method,
    path: pathname,
    query: searchParams,
    facts: peer.forwarded === undefined ? callers.factsOf(peer, (name) => headers.get(name)) : peer,
    urlLength: pathname.length + search.length,
    gone: signal,
    header: (name) => headers.get(name),
    readBody: async (maxBytes) => (request.body === null ? new Uint8Array() : readBytes(request.body, maxBytes)),
    toRequest: () => (request.body === null ? request : new Request(request.url, { method, headers, signal })),
  };
}
