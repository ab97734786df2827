import { type Connection, InvalidInputError, type Zone } from '@meshwork/core';
import ipaddr from 'ipaddr.js';

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
    if (!isAddress(remoteAddress)) return 'external';
    // An IPv4 caller on an IPv6 socket shows as ::ffff:a.b.c.d; `process` gives a.b.c.d.
    const address = ipaddr.process(remoteAddress);
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

/**
 * An address as systems write it. ipaddr.js takes more: short and octal forms, which mean one address to some and another to others, and
 * `::127.0.0.1` for 127.0.0.1, which on an IPv6 network is an address like any other.
 */
function isAddress(text: string): boolean {
  const plain = text.replace(/^::ffff:(?=\d+\.)/i, '');
  return plain.includes('.') ? ipaddr.IPv4.isValidFourPartDecimal(plain) : ipaddr.IPv6.isValid(plain);
}
