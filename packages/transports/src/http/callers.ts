import { type Hop, parseForwarded, parseXForwardedFor } from './forwarded.ts';
import { createNetworks } from './networks.ts';
import type { ConnectionFacts } from './plain-http.ts';

/** Which addresses may call, and whose word about others counts. Each is an address or a network in CIDR notation. */
export interface CallerRules {
  /**
   * Proxies whose `Forwarded` or `X-Forwarded-For` is believed. Such a proxy has to set one of them on every request, and pass none of the
   * other kind on. Whoever comes through any other proxy is external.
   */
  readonly trustedProxies?: readonly string[];
  /** Who may call at all. Default: everybody. */
  readonly allowAddresses?: readonly string[];
  /** Who may not, even when allowed above. */
  readonly denyAddresses?: readonly string[];
}

/** Who is at the other end, given what the socket and, where one is trusted, the proxy in between say. */
export interface Callers {
  /** The facts of the caller, made of those of the connection. */
  factsOf(peer: ConnectionFacts, header: (name: string) => string | null): ConnectionFacts;
  /** True when the caller's address may call. */
  mayCall(caller: ConnectionFacts): boolean;
  /** True when a connection from the address may be taken: for itself, or because it is a proxy's. */
  mayConnect(address: string): boolean;
  isProxy(address: string): boolean;
}

/** Whatever proxies add to say that they are there. */
const TRACES = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via', 'x-forwarded-host', 'x-forwarded-proto'];

/** @throws {InvalidInputError} when a rule is no network. */
export function createCallers({ trustedProxies, allowAddresses, denyAddresses }: CallerRules): Callers {
  const isProxy = createNetworks('trustedProxies', trustedProxies);
  const isAllowed = createNetworks('allowAddresses', allowAddresses);
  const isDenied = createNetworks('denyAddresses', denyAddresses);
  const all = allowAddresses === undefined;

  return {
    isProxy,
    factsOf(peer, header) {
      const { remoteAddress, localAddress, encrypted = false } = peer;
      const place = { ...(remoteAddress !== undefined && { remoteAddress }), ...(localAddress !== undefined && { localAddress }) };
      // A certificate is of whoever is at the other end of the socket; not of those it speaks for.
      if (remoteAddress === undefined || !isProxy(remoteAddress))
        return TRACES.some((name) => header(name) !== null) ? { ...place, encrypted, forwarded: 'unknown' } : peer;
      const caller = callerBehind(isProxy, header);
      if (caller?.address === undefined) return { ...place, encrypted: false, forwarded: 'unknown' };
      return { ...place, remoteAddress: caller.address, encrypted: caller.proto === 'https', forwarded: 'known' };
    },
    mayCall({ remoteAddress, forwarded }) {
      if (remoteAddress === undefined) return all;
      if (isDenied(remoteAddress)) return false;
      // The proxy is at a known address; who is behind it is not.
      return all || (isAllowed(remoteAddress) && !(forwarded === 'unknown' && isProxy(remoteAddress)));
    },
    mayConnect: (address) => !isDenied(address) && (all || isAllowed(address) || isProxy(address)),
  };
}

/** The last hop that is no proxy of ours; `undefined` when nothing says, or the two headers say different things. */
function callerBehind(isProxy: (address: string) => boolean, header: (name: string) => string | null): Hop | undefined {
  const standard = header('forwarded');
  const usual = header('x-forwarded-for');
  const callers = [
    ...(standard === null ? [] : [lastStranger(parseForwarded(standard), isProxy)]),
    ...(usual === null ? [] : [lastStranger(parseXForwardedFor(usual, header('x-forwarded-proto')), isProxy)]),
  ];
  const [first, second = first] = callers;
  // One was the proxy's and the other its caller's: nobody can tell which.
  return first?.address === second?.address ? first : undefined;
}

function lastStranger(hops: readonly Hop[] | undefined, isProxy: (address: string) => boolean): Hop | undefined {
  const last = hops?.findLast(({ address }) => address === undefined || !isProxy(address)) ?? hops?.[0];
  // It is as encrypted as the least of the ways it came.
  const since = last === undefined ? [] : (hops ?? []).slice(hops?.lastIndexOf(last));
  return last && { ...last, proto: since.every(({ proto }) => proto === 'https') ? 'https' : 'http' };
}
