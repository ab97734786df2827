import type { Hub, Principal } from '@meshwork/core';
import { InMemoryTransport, type Transport } from '@modelcontextprotocol/server';
import { serveTransport } from './serve-transport.ts';

/** A transport for an MCP client in the same process: `await client.connect(connectInProcess(hub, principal))`. Closing the client ends it. */
export function connectInProcess(hub: Hub, principal: Principal, { callTimeoutMs = 300_000 }: { readonly callTimeoutMs?: number } = {}): Transport {
  const [clientSide, hubSide] = InMemoryTransport.createLinkedPair();
  serveTransport(hub, { principal, face: 'local', transport: hubSide, callTimeoutMs, onError: () => {} });
  return clientSide;
}
