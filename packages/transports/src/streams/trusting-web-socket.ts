import { type ClientOptions, WebSocket } from 'ws';
import type { ConnectWebSocketOptions } from './connect-web-socket.ts';

/** What a client brings to TLS, in PEM. */
export interface TrustingWebSocketOptions {
  /** The authorities that the hub's certificate may be from. Default: those of this machine. */
  readonly ca?: string | readonly string[];
  /** The certificate the client shows when it is asked for one, and its key. */
  readonly cert?: string;
  readonly certKey?: string;
}

/**
 * A class for the option `WebSocket` of `connectWebSocket`, for hubs whose certificate is from an authority of their own, or that ask for one:
 * `connectWebSocket('wss://hub.internal:3002/mcp', { key, WebSocket: trustingWebSocket({ ca }) })`. The global class takes no certificates.
 */
export function trustingWebSocket({ ca, cert, certKey }: TrustingWebSocketOptions): NonNullable<ConnectWebSocketOptions['WebSocket']> {
  const tls: ClientOptions = {
    ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(cert !== undefined && { cert }),
    ...(certKey !== undefined && { key: certKey }),
    perMessageDeflate: false,
  };
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, tls);
    }
  };
}
