import { isIP } from 'node:net';
import { UnavailableError } from '@meshwork/core';
import { type AddressRules, bare, createAddressRules, plainName } from './address-rules.ts';
import { OutboundRefusedError } from './outbound-error.ts';
import { sendPinned } from './pinned-request.ts';
import { type ResolvedAddress, type ResolveHost, resolveHost } from './resolve-host.ts';

export interface GuardedFetchOptions {
  /**
   * Hosts, addresses and networks (CIDR) that may be private, as an identity provider of the house is. Hosts and addresses named here may
   * be called over http too. Link-local addresses and the metadata services of clouds stay closed whatever is named. Default none.
   */
  readonly allow?: readonly string[];
  /** Milliseconds one request may take, from the name look-up to the last byte. Default 5,000. */
  readonly timeoutMs?: number;
  /** Bytes an answer may have. Default 65,536. */
  readonly maxBytes?: number;
  /** Certificates to trust, in PEM, in place of the machine's. */
  readonly ca?: string;
  /** Who turns names into addresses. Default: the machine's resolver. */
  readonly resolve?: ResolveHost;
}

export interface GuardedRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** Like `fetch`, for URLs that somebody else has a say in. */
export type GuardedFetch = (url: string | URL, request?: GuardedRequest) => Promise<Response>;

/**
 * A `fetch` that cannot be turned against the network a hub stands in: https only, every address of the host is looked at before one is
 * connected to, the connection goes to what was looked at, redirects are not followed, proxies from the environment are not used, and time
 * and size are bounded. Its errors repeat nothing of what the other side said.
 *
 * @throws {TypeError} when an entry of `allow` is no host, address or network. The function it returns rejects with
 * {@link OutboundRefusedError} before anything is sent, and with {@link UnavailableError} when no whole answer came.
 */
export function createGuardedFetch(options: GuardedFetchOptions = {}): GuardedFetch {
  const { allow = [], timeoutMs = 5_000, maxBytes = 65_536, ca, resolve = resolveHost } = options;
  const rules = createAddressRules(allow);
  return async (target, { method = 'GET', headers = {}, body, signal: callerSignal } = {}) => {
    const url = checkUrl(target, rules);
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = callerSignal === undefined ? timeout : AbortSignal.any([timeout, callerSignal]);
    const ended = new Promise<never>((_, reject) => {
      const end = () =>
        reject(new UnavailableError(timeout.aborted ? `${url.host} did not answer within ${timeoutMs} ms` : `the request to ${url.host} was given up`));
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
    const answered = lookAt(url, rules, resolve).then((addresses) => {
      signal.throwIfAborted();
      return sendPinned({ url, addresses, method, headers, body, maxBytes, ca, signal });
    });
    answered.catch(() => {}); // Whoever loses the race is heard of by nobody.
    return Promise.race([ended, answered]);
  };
}

function checkUrl(target: string | URL, rules: AddressRules): URL {
  if (!URL.canParse(String(target))) throw new OutboundRefusedError('that is not a URL; give the whole of it, as in https://idp.example/');
  const url = new URL(target);
  if (url.username !== '' || url.password !== '') throw new OutboundRefusedError('a URL the hub calls may not hold a user or a password');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && rules.namesHost(url.hostname)))
    throw new OutboundRefusedError(`the hub calls https only, not ${url.protocol}//${url.host}; a private host has to be named in the list of allowed ones`);
  return url;
}

/** Every address of the host; one that may not be called spoils the rest, since nobody says which of them a connection takes. */
async function lookAt(url: URL, rules: AddressRules, resolve: ResolveHost): Promise<readonly ResolvedAddress[]> {
  const host = bare(url.hostname);
  const family = isIP(host);
  const addresses = family === 0 ? await resolved(plainName(host), resolve) : [{ address: host, family }];
  if (addresses.length === 0) throw new UnavailableError(`${host} has no address`);
  for (const { address } of addresses)
    if (!rules.mayConnect(address, host))
      throw new OutboundRefusedError(`${host} leads to an address that is not public; name it in the list of allowed hosts if the hub should call it`);
  return addresses;
}

async function resolved(hostname: string, resolve: ResolveHost): Promise<readonly ResolvedAddress[]> {
  try {
    return await resolve(hostname);
  } catch {
    throw new UnavailableError(`${hostname} has no address`);
  }
}
