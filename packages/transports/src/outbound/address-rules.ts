import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { parseAddress } from '../http/networks.ts';

/** What an operator lets a hub call beside public addresses. */
export interface AddressRules {
  /** True for a host that is named itself: it may be private, and may be called over http. */
  namesHost(hostname: string): boolean;
  /** True for an address that may be connected to for the sake of this host. */
  mayConnect(address: string, hostname: string): boolean;
}

/**
 * Rules from host names, addresses and networks in CIDR notation.
 *
 * @throws {TypeError} when an entry is none of these.
 */
export function createAddressRules(allow: readonly string[]): AddressRules {
  const names = new Set<string>();
  const networks: [ipaddr.IPv4 | ipaddr.IPv6, number][] = [];
  for (const entry of allow) {
    if (entry.includes('/') && ipaddr.isValidCIDR(entry)) networks.push(ipaddr.parseCIDR(entry));
    else if (isIP(entry) !== 0) networks.push(wholeAddress(entry));
    else if (HOST_NAME.test(entry)) names.add(plainName(entry));
    else throw new TypeError(`${JSON.stringify(entry)} is not a host name, an address or a network in CIDR notation`);
  }
  const isInNetworks = (address: string) => {
    const parsed = parseAddress(address);
    return parsed !== undefined && networks.some(([network, bits]) => parsed.kind() === network.kind() && parsed.match(network, bits));
  };
  return {
    namesHost: (hostname) => names.has(plainName(hostname)) || (isIP(bare(hostname)) !== 0 && isInNetworks(bare(hostname))),
    mayConnect(address, hostname) {
      // `ipaddr.js` reads octal and short forms as other programs do not; only what Node takes for an address is one.
      if (isIP(address) === 0) return false;
      if (isPublic(address)) return true;
      if (isNeverCalled(address)) return false;
      return names.has(plainName(hostname)) || isInNetworks(address);
    },
  };
}

/** A host name as it is compared: lower case, without the dot of the root. */
export function plainName(hostname: string): string {
  return hostname.toLowerCase().replace(/\.$/, '');
}

/** A URL's host without the brackets of IPv6. */
export function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/i;
const GLOBAL_UNICAST_V6 = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];

/** True for addresses anybody on the Internet has (IANA special-purpose registries, RFC 6890). */
function isPublic(address: string): boolean {
  const parsed = parseAddress(address);
  if (parsed?.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || (parsed as ipaddr.IPv6).match(GLOBAL_UNICAST_V6);
}

/** Nobody's identity provider lives there, but the credentials of cloud machines do: not even a named host may lead there. */
function isNeverCalled(address: string): boolean {
  const parsed = parseAddress(address);
  return parsed === undefined || !PRIVATE_RANGES.has(parsed.range()) || parsed.toString() === 'fd00:ec2::254';
}

const PRIVATE_RANGES = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat']);

function wholeAddress(address: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new TypeError(`${JSON.stringify(address)} is an IPv4 address in IPv6 form; write it as IPv4`);
  return [parsed, parsed.kind() === 'ipv4' ? 32 : 128];
}
