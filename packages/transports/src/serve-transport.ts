import type { Face, Hub, Principal } from '@meshwork/core';
import { createRequestStateCodec, type Server, type Transport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createMcpServer, type SealedState } from './mcp-server.ts';
import { sharedValidator } from './shared-validator.ts';
import { forwardEvents, trackSubscriptions } from './subscriptions.ts';

export interface ServeTransportOptions {
  readonly principal: Principal;
  readonly face: Face;
  readonly transport: Transport;
  readonly callTimeoutMs: number;
  readonly onError: (error: unknown) => void;
}

/**
 * Serves a hub on one connection that lasts. The SDK's stdio entry decides the revision from the first message; it drops what a transport
 * knows about the caller, so the principal is closed over instead.
 */
export function serveTransport(hub: Hub, options: ServeTransportOptions): { close(): Promise<void> } {
  const { principal, face, transport, callTimeoutMs, onError } = options;
  const stateCodec = createRequestStateCodec<SealedState>({ key: crypto.getRandomValues(new Uint8Array(32)) });
  const servers = new Map<Server, ReadonlySet<string> | undefined>();
  const handle = serveStdio(
    ({ era }) => {
      const server = createMcpServer(hub, { principal, face, stateCodec, jsonSchemaValidator: sharedValidator, callTimeoutMs, onError });
      servers.set(server, era === 'legacy' ? trackSubscriptions(server) : undefined);
      server.onclose = () => {
        servers.delete(server);
        if (servers.size === 0) stop();
      };
      return server;
    },
    { transport, onerror: onError },
  );
  const stop = forwardEvents(
    hub,
    () => servers.keys(),
    (server, uri) => servers.get(server)?.has(uri) ?? true,
  );
  return {
    async close() {
      stop();
      await handle.close();
    },
  };
}
