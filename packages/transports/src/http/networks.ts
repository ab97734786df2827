import { InvalidInputError } from '@meshwork/core';
import ipaddr from 'ipaddr.js';

/** True for an address in one of some networks; false for whatever is no address. */
export type Networks = (address: string) => boolean;

/** Addresses whose answer is remembered: parsing one costs more than all else that is done with it. */
const REMEMBERED = 1_000;

/**
 * Networks in CIDR notation, or single addresses. IPv4 callers on an IPv6 socket (`::ffff:a.b.c.d`) count as the IPv4 address they are.
 *
 * @throws {InvalidInputError} that names the option, when one of them is neither.
 */
export function createNetworks(option: string, cidrs: readonly string[] = []): Networks {
  if (cidrs.length === 0) return () => false;
  const networks = cidrs.map((cidr) => parseNetwork(option, cidr));
  const known = new Map<string, boolean>();
  return (text) => {
    let answer = known.get(text);
    if (answer === undefined) {
      const address = parseAddress(text);
      answer = address !== undefined && networks.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits));
      if (known.size >= REMEMBERED) known.clear();
      known.set(text, answer);
    }
    return answer;
  };
}

/** An address as the system or a proxy writes it; never short forms or octal digits, which others read differently (`010.0.0.1`). */
export function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  // The interface of a link-local address, as in fe80::1%eth0, is no part of it.
  const plain = text.replace(/%[\w.-]{1,32}$/, '');
  const [, dotted] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain) ?? [];
  if (dotted !== undefined) return ipaddr.IPv4.isValidFourPartDecimal(dotted) ? ipaddr.IPv4.parse(dotted) : undefined;
  // ipaddr.js takes ::127.0.0.1 for 127.0.0.1; on a network it is an address like any other.
  if (!/^[0-9A-Fa-f:]+$/.test(plain) || !plain.includes(':') || !ipaddr.IPv6.isValid(plain)) return undefined;
  const address = ipaddr.IPv6.parse(plain);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** Who is one party: an IPv4 address, or the /64 an IPv6 address is in, since whoever has one has all of it. */
export function partyOf(text: string): string {
  const address = parseAddress(text);
  if (address === undefined) return text;
  return 'octets' in address ? address.toString() : `${address.parts.slice(0, 4).join(':')}/64`;
}

export function isLoopbackAddress(text: string): boolean {
  return parseAddress(text)?.range() === 'loopback';
}

function parseNetwork(option: string, cidr: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const [text = '', bits, ...rest] = cidr.split('/');
  const address = parseAddress(text);
  const most = address === undefined || 'octets' in address ? 32 : 128;
  const isMapped = text.includes(':') && most === 32;
  if (address === undefined || isMapped || rest.length > 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most)))
    throw new InvalidInputError(`${option} has ${JSON.stringify(cidr)}, which is no network; write it as 10.1.0.0/16, 2001:db8::/32 or a single address`);
  return [address, bits === undefined ? most : Number(bits)];
}
