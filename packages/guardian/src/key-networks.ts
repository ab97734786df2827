import { InvalidInputError } from '@meshwork/core';
import ipaddr from 'ipaddr.js';
import { type ParsedAddress, parseAddress } from './address.ts';

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
  if (parseAddress(address) === undefined || !ipaddr.isValidCIDR(cidr))
    throw new InvalidInputError(`the network ${JSON.stringify(cidr)} is not in CIDR notation, as in 10.1.0.0/16; a single address ends in /32 or /128`);
  const [network, bits] = ipaddr.parseCIDR(cidr);
  if (network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress())
    throw new InvalidInputError(`the network ${JSON.stringify(cidr)} is an IPv4 one in IPv6 form; write it as IPv4`);
  return [network, bits] as ReturnType<typeof ipaddr.parseCIDR>;
}
