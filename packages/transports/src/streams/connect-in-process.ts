import type { Hub, Principal } from '@meshwork/core';
import { InMemoryTransport, type Transport } from '@modelcontextprotocol/server';
import { createFanOut } from '../mcp/fan-out.ts';
import { createStateCodec } from '../mcp/state-codec.ts';
import { inOrder } from './in-order.ts';
import { type ConnectionLimits, serveTransport } from './serve-transport.ts';

export interface ConnectInProcessOptions extends ConnectionLimits {
  readonly onError?: (error: unknown) => void;
}

/** A transport for an MCP client in the same process: `await client.connect(connectInProcess(hub, principal))`. Closing the client ends it. */
export function connectInProcess(hub: Hub, principal: Principal, options: ConnectInProcessOptions = {}): Transport {
  const { onError = () => {} } = options;
  const [clientSide, hubSide] = InMemoryTransport.createLinkedPair();
  const fanOut = createFanOut(hub, onError);
  serveTransport(hub, {
    ...options,
    principal: () => principal,
    face: 'local',
    wire: hubSide,
    fanOut,
    stateCodec: createStateCodec(),
    onEnd: () => fanOut.close(),
    onError,
  });
  return inOrder(clientSide);
}
