/**
 * The party an address stands for, as limits count it: an IPv4 address is one party, and so is a whole IPv6 /64, which is what one customer
 * has. An IPv4 caller on an IPv6 socket (`::ffff:192.0.2.1`) is the IPv4 one. What is no address comes back as it is.
 */
export function addressGroup(address: string): string {
  let group = known.get(address);
  if (group === undefined) {
    group = groupOf(address);
    if (known.size >= REMEMBERED) known.clear();
    known.set(address, group);
  }
  return group;
}

const REMEMBERED = 1_000;
/** Taking an address apart costs more than counting, and few callers have many. */
const known = new Map<string, string>();

function groupOf(address: string): string {
  if (!address.includes(':')) return address;
  const bare = address.replace(/%.*$/, '');
  if (!URL.canParse(`http://[${bare}]`)) return address;
  const [left = '', right] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const parts = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail].map((part) => Number.parseInt(part, 16));
  const [high = 0, low = 0] = parts.slice(6);
  if (parts.slice(0, 5).every((part) => part === 0) && parts[5] === 0xffff) return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
  return `${parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
