import type { Zone } from '@meshwork/core';
import type { ConnectionFacts } from '@meshwork/transports';

/** An address of each zone. */
export const places: Readonly<Record<Zone, ConnectionFacts & { readonly remoteAddress: string }>> = {
  local: { remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' },
  trusted: { remoteAddress: '10.1.2.3', localAddress: '127.0.0.1' },
  external: { remoteAddress: '203.0.113.9', localAddress: '127.0.0.1' },
};
