import { type Connection, InvalidInputError, type Zone } from '@meshwork/core';
import ipaddr from 'ipaddr.js';

/** Says where a connection comes from. */
export type ZoneOf = (connection: Connection) => Zone;

/**
 * Zones from the connection alone: this process and this machine are local, the named networks trusted, all else external.
 *
 * @throws {InvalidInputError} when a network is not in CIDR notation.
 */
export function createZones({ trusted = [] }: { readonly trusted?: readonly string[] } = {}): ZoneOf {
  const networks = trusted.map((cidr) => {
    if (!ipaddr.isValidCIDR(cidr)) throw new InvalidInputError(`the trusted network ${JSON.stringify(cidr)} is not in CIDR notation, as in 10.1.0.0/16`);
    return ipaddr.parseCIDR(cidr);
  });
  const zoneOf = (remoteAddress: string): Zone => {
    if (!ipaddr.isValid(remoteAddress)) return 'external';
    // An IPv4 caller on an IPv6 socket shows as ::ffff:a.b.c.d; `process` gives a.b.c.d.
    const address = ipaddr.process(remoteAddress);
    if (address.range() === 'loopback') return 'local';
    return networks.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits)) ? 'trusted' : 'external';
  };
  /** Parsing an address costs more than the rest of a decision, and few callers have many. */
  const known = new Map<string, Zone>();
  return ({ via, remoteAddress }) => {
    if (via !== 'http') return 'local';
    if (remoteAddress === undefined) return 'external';
    let zone = known.get(remoteAddress);
    if (zone === undefined) {
      zone = zoneOf(remoteAddress);
      if (known.size >= REMEMBERED) known.clear();
      known.set(remoteAddress, zone);
    }
    return zone;
  };
}

const REMEMBERED = 1_000;
