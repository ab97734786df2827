import { type Connection, InvalidInputError, type Zone } from '@meshwork/core';
import ipaddr from 'ipaddr.js';
import { parseAddress } from './address.ts';

/** Says where a connection comes from. */
export type ZoneOf = (connection: Connection) => Zone;

export interface ZoneOptions {
  /** Networks whose callers are trusted, in CIDR notation. */
  readonly trusted?: readonly string[];
  /** The zone of an external address whose certificate is of the hub's client authority. Default: external like any other. */
  readonly certificateZone?: 'trusted';
}

/**
 * Zones from the connection alone: this process and this machine are local, the named networks trusted, all else external. Who comes through
 * a proxy is never local, and external when no trusted proxy says from where.
 *
 * @throws {InvalidInputError} when a network is not in CIDR notation.
 */
export function createZones({ trusted = [], certificateZone }: ZoneOptions = {}): ZoneOf {
  const networks = trusted.map((cidr) => {
    if (!ipaddr.isValidCIDR(cidr)) throw new InvalidInputError(`the trusted network ${JSON.stringify(cidr)} is not in CIDR notation, as in 10.1.0.0/16`);
    return ipaddr.parseCIDR(cidr);
  });
  const zoneOf = (remoteAddress: string, isDirect: boolean): Zone => {
    const address = parseAddress(remoteAddress);
    if (address === undefined) return 'external';
    if (isDirect && address.range() === 'loopback') return 'local';
    return networks.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits)) ? 'trusted' : 'external';
  };
  /** Parsing an address costs more than the rest of a decision, and few callers have many. */
  const direct = new Map<string, Zone>();
  const forwarded = new Map<string, Zone>();
  const remembered = (address: string, isDirect: boolean): Zone => {
    const known = isDirect ? direct : forwarded;
    let zone = known.get(address);
    if (zone === undefined) {
      zone = zoneOf(address, isDirect);
      if (known.size >= REMEMBERED) known.clear();
      known.set(address, zone);
    }
    return zone;
  };
  return (connection) => {
    if (connection.via !== 'http') return 'local';
    if (connection.remoteAddress === undefined || connection.forwarded === 'unknown') return 'external';
    const zone = remembered(connection.remoteAddress, connection.forwarded === undefined);
    return zone === 'external' && certificateZone === 'trusted' && connection.certificate !== undefined ? 'trusted' : zone;
  };
}

const REMEMBERED = 1_000;
