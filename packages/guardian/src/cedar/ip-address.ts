import { EvaluationError } from './evaluation-error.ts';

const OCTET = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9a-fA-F]{1,4}$/;
const PREFIX = /^(?:0|[1-9]\d{0,2})$/;
/** Eight groups of four digits, seven colons, and `/128`. */
const LONGEST = 43;

/** Cedar's ipaddr: an address with the length of its network prefix, `32` or `128` for a single one. */
export class IpAddress {
  readonly bits: 32 | 128;
  readonly #address: bigint;
  readonly #prefix: number;

  constructor(bits: 32 | 128, address: bigint, prefix: number) {
    this.bits = bits;
    this.#address = address;
    this.#prefix = prefix;
  }

  /** An IPv4 address inside an IPv6 one is refused, as Cedar does. @throws {EvaluationError} */
  static parse(text: string): IpAddress {
    const ip = text.length > LONGEST ? undefined : parse(text);
    if (ip === undefined) throw new EvaluationError('not an IP address or a network in CIDR notation');
    return ip;
  }

  /** True when every address of this network belongs to the other. */
  isInRange(other: IpAddress): boolean {
    if (this.bits !== other.bits || this.#prefix < other.#prefix) return false;
    const hostBits = BigInt(this.bits - other.#prefix);
    return this.#address >> hostBits === other.#address >> hostBits;
  }

  isLoopback(): boolean {
    return this.isInRange(this.bits === 32 ? LOOPBACK_4 : LOOPBACK_6);
  }

  isMulticast(): boolean {
    return this.isInRange(this.bits === 32 ? MULTICAST_4 : MULTICAST_6);
  }

  get key(): string {
    return `ip ${this.bits} ${this.#address}/${this.#prefix}`;
  }
}

const LOOPBACK_4 = new IpAddress(32, 127n << 24n, 8);
const LOOPBACK_6 = new IpAddress(128, 1n, 128);
const MULTICAST_4 = new IpAddress(32, 224n << 24n, 4);
const MULTICAST_6 = new IpAddress(128, 0xffn << 120n, 8);

function parse(text: string): IpAddress | undefined {
  const slash = text.indexOf('/');
  const host = slash === -1 ? text : text.slice(0, slash);
  const bits = host.includes(':') ? 128 : 32;
  const address = bits === 128 ? parseGroups(host) : parseOctets(host);
  if (address === undefined) return undefined;
  if (slash === -1) return new IpAddress(bits, address, bits);
  const prefix = text.slice(slash + 1);
  return PREFIX.test(prefix) && Number(prefix) <= bits ? new IpAddress(bits, address, Number(prefix)) : undefined;
}

function parseOctets(text: string): bigint | undefined {
  const octets = text.split('.');
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) < 256)) return undefined;
  return octets.reduce((address, octet) => (address << 8n) | BigInt(octet), 0n);
}

/** `::` stands for one zero group or more. */
function parseGroups(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...(tail ?? [])];
  if (!groups.every((group) => GROUP.test(group))) return undefined;
  return groups.reduce((address, group) => (address << 16n) | BigInt(`0x${group}`), 0n);
}
