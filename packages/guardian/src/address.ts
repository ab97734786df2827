import ipaddr from 'ipaddr.js';

/** An address as it is compared; an IPv4 caller on an IPv6 socket (`::ffff:a.b.c.d`) is an IPv4 one. */
export type ParsedAddress = ReturnType<typeof ipaddr.process> | undefined;

/**
 * An address as systems write it, or `undefined`. ipaddr.js takes more: short and octal forms, which mean one address to some and another to
 * others, and `::127.0.0.1` for 127.0.0.1, which on an IPv6 network is an address like any other.
 */
export function parseAddress(text: string | undefined): ParsedAddress {
  if (text === undefined) return undefined;
  const plain = text.replace(/^::ffff:(?=\d+\.)/i, '');
  const isAddress = plain.includes('.') ? ipaddr.IPv4.isValidFourPartDecimal(plain) : ipaddr.IPv6.isValid(plain);
  return isAddress ? ipaddr.process(text) : undefined;
}
