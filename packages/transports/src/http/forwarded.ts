import { parseAddress } from './networks.ts';

/** What one proxy says of the request it was sent; the last of a list is the nearest. */
export interface Hop {
  /** From whom; absent when it does not say, or not in a form that can be relied on. */
  readonly address?: string;
  readonly proto?: string;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** One pair of RFC 7239 section 4, and the separator or end after it. */
const PAIR = new RegExp(`[ \\t]*(?:(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?[ \\t]*([;,]|$)`, 'y');

/** The hops of a `Forwarded` header (RFC 7239); `undefined` when any of it is malformed: what cannot be read cannot be trusted either. */
export function parseForwarded(header: string): readonly Hop[] | undefined {
  const hops: Hop[] = [];
  let pairs = new Map<string, string>();
  PAIR.lastIndex = 0;
  for (;;) {
    const match = PAIR.exec(header);
    if (match === null) return undefined;
    const [, name, token, quoted, separator] = match;
    if (name !== undefined) {
      const key = name.toLowerCase();
      if (pairs.has(key)) return undefined;
      pairs.set(key, token ?? (quoted ?? '').replace(/\\(.)/g, '$1'));
    }
    if (separator === ';') continue;
    if (pairs.size > 0) hops.push(hopOf(pairs.get('for'), pairs.get('proto')));
    pairs = new Map();
    if (separator === '') return hops;
  }
}

/** The hops of `X-Forwarded-For`, each with what `X-Forwarded-Proto` says of it. */
export function parseXForwardedFor(header: string, proto: string | null): readonly Hop[] {
  // Most proxies append to the first header and set the second: then one word is about all hops.
  const protos = proto === null ? [] : proto.split(',').map((each) => each.trim());
  const scheme = protos.length === 0 ? undefined : protos.every((each) => each.toLowerCase() === 'https') ? 'https' : 'http';
  return header.split(',').map((each) => hopOf(each.trim(), scheme));
}

function hopOf(node: string | undefined, proto: string | undefined): Hop {
  const address = node === undefined ? undefined : addressOf(node);
  return { ...(address !== undefined && { address }), ...(proto !== undefined && { proto: proto.toLowerCase() }) };
}

/** The address of `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`; neither `unknown` nor a made-up name. */
function addressOf(node: string): string | undefined {
  const [, bracketed, dotted] = /^(?:\[([^\]]*)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/.exec(node) ?? [];
  return parseAddress(bracketed ?? dotted ?? node)?.toString();
}
