/** Which names a hub answers to and which web pages may call it. */
export interface HostRules {
  /** Host names beside the defaults, without port. */
  readonly allowedHosts?: readonly string[];
  /** Origins beside the defaults, such as `https://app.example.org`. */
  readonly allowedOrigins?: readonly string[];
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * True when the `Host` header names this hub: a loopback name, the address the connection reached, or one that is configured. Anything else
 * is what DNS rebinding looks like (MCP 2026-07-28, transports, security).
 */
export function isKnownHost(host: string | null, localAddress: string | undefined, { allowedHosts = [] }: HostRules): boolean {
  const name = hostName(host);
  if (name === undefined) return false;
  return LOOPBACK.has(name) || name === bracketed(localAddress) || allowedHosts.some((allowed) => allowed.toLowerCase() === name);
}

/** True when there is no `Origin` (not a browser), or it is a loopback page or a configured one. */
export function isKnownOrigin(origin: string | null, { allowedOrigins = [] }: HostRules): boolean {
  if (origin === null) return true;
  if (allowedOrigins.includes(origin)) return true;
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  return url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:') && LOOPBACK.has(url.hostname);
}

function hostName(host: string | null): string | undefined {
  if (host === null || !/^[A-Za-z0-9.:[\]_-]+$/.test(host)) return undefined;
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined;
}

function bracketed(address: string | undefined): string | undefined {
  const plain = address?.replace(/^::ffff:(?=\d+\.)/, '');
  return plain?.includes(':') ? `[${plain}]` : plain;
}
