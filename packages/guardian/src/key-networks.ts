import { InvalidInputError } from '@meshwork/core';
import ipaddr from 'ipaddr.js';

/** An address as it is compared; an IPv4 caller on an IPv6 socket is an IPv4 one. */
export type ParsedAddress = ReturnType<typeof ipaddr.process> | undefined;

/** The peer's address, or `undefined` when there is none that can be read. */
export function parseAddress(address: string | undefined): ParsedAddress {
  return address !== undefined && isPlain(address) ? ipaddr.process(address) : undefined;
}

/**
 * Says whether an address is in one of the networks. An address that cannot be read is in none.
 *
 * @throws {InvalidInputError} when a network is not in CIDR notation.
 */
export function createNetworkCheck(networks: readonly string[]): (address: ParsedAddress) => boolean {
  const parsed = networks.map(parseNetwork);
  return (address) => address !== undefined && parsed.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits));
}

function parseNetwork(cidr: string): ReturnType<typeof ipaddr.parseCIDR> {
  const [address = ''] = cidr.split('/');
  if (!isPlain(address) || !ipaddr.isValidCIDR(cidr))
    throw new InvalidInputError(`the network ${JSON.stringify(cidr)} is not in CIDR notation, as in 10.1.0.0/16; a single address ends in /32 or /128`);
  const [network, bits] = ipaddr.parseCIDR(cidr);
  if (network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress())
    throw new InvalidInputError(`the network ${JSON.stringify(cidr)} is an IPv4 one in IPv6 form; write it as IPv4`);
  return [network, bits] as ReturnType<typeof ipaddr.parseCIDR>;
}

/** The parser also takes octal, hexadecimal and shortened IPv4 addresses, which people read otherwise than it does. */
function isPlain(address: string): boolean {
  return address.includes(':') ? ipaddr.IPv6.isValid(address) : ipaddr.IPv4.isValidFourPartDecimal(address);
}
