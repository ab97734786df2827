import { MeshworkError } from '@meshwork/core';
import { createGuardedFetch, type GuardedRequest } from '@meshwork/transports/outbound';
import { CliError, usageError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { isLoopbackUrl } from './hub-names.ts';

/** `fetch` as far as an OAuth client needs it, for URLs a hub or an authorization server named. */
export type IssuerFetch = (
  url: string,
  request?: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: unknown },
) => Promise<Response>;

/** An authorization server may be slower than a key server: somebody's password may be hashed on the way. */
const TIMEOUT_MS = 15_000;

/**
 * Goes where metadata says, through the guard: https to public addresses, no redirects, bounded time and size. A host of the list may be
 * private; it may be asked over http on this machine only, since secrets go there.
 *
 * @throws {CliError} when the list holds something that is no host.
 */
export function createIssuerFetch(allowPrivateHosts: readonly string[]): IssuerFetch {
  const guarded = guardOf(allowPrivateHosts);
  return async (url, { method = 'GET', headers = {}, body } = {}) => {
    checkUrl(url);
    const request: GuardedRequest = { method, headers, ...(body !== undefined && body !== null && { body: String(body) }) };
    try {
      return await guarded(url, request);
    } catch (error) {
      throw explain(url, error);
    }
  };
}

function guardOf(allow: readonly string[]) {
  try {
    return createGuardedFetch({ allow, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    throw usageError(`--allow-private-host: ${(error as Error).message}`);
  }
}

function checkUrl(url: string): void {
  if (!URL.canParse(url)) throw new CliError('OAUTH_INVALID', 'the metadata names an address that is no URL', exitCodes.refused);
  if (new URL(url).protocol === 'https:' || isLoopbackUrl(url)) return;
  throw new CliError('OUTBOUND_REFUSED', `secrets go over https only, and not to ${new URL(url).origin}; whoever runs it has to serve TLS`, exitCodes.refused);
}

function explain(url: string, error: unknown): unknown {
  if (!MeshworkError.isInstance(error)) return error;
  const { host, hostname } = new URL(url);
  if (error.code === 'OUTBOUND_REFUSED')
    return new CliError(
      'OUTBOUND_REFUSED',
      `the metadata leads to ${host}, which is not a public https address; if it is meant to be, add --allow-private-host ${hostname}`,
      exitCodes.refused,
      { cause: error },
    );
  return new CliError('UNREACHABLE', `the authorization server cannot be asked: ${error.message}`, exitCodes.unreachable, { cause: error });
}
