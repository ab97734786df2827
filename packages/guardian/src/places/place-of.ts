import type { Principal } from '@meshwork/core';
import ipaddr from 'ipaddr.js';
import { parseAddress } from '../address.ts';

/**
 * Where a caller stands, in words: this machine, or its network and zone. A network is a /24 of IPv4 or a /64 of IPv6: callers change their
 * address within it, and seldom leave it. `undefined` for callers without an address.
 */
export function placeOf({ zone, address }: Pick<Principal, 'zone' | 'address'>): string | undefined {
  if (address === undefined) return undefined;
  return zone === 'local' ? 'this machine' : `${networkOf(address)} (${zone})`;
}

function networkOf(text: string): string {
  const address = parseAddress(text);
  if (address === undefined) return 'an unknown network';
  if (address instanceof ipaddr.IPv4) return `${address.octets.slice(0, 3).join('.')}.0/24`;
  const head = address.parts.slice(0, 4).map((part) => part.toString(16));
  return `${head.join(':')}::/64`;
}
