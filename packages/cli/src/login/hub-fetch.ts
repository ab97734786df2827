import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { createTrustingFetch, type FetchLike, type TlsIdentity } from '../trusting-fetch.ts';

/** A `fetch` for the hub the user named, which goes nowhere else: a token for one hub must not be carried on to another address. */
export function createHubFetch(identity: TlsIdentity | undefined): FetchLike {
  const send: FetchLike = identity === undefined ? fetch : createTrustingFetch(identity);
  return async (url, init = {}) => {
    const response = await send(url, { ...init, redirect: 'manual' });
    if (response.type !== 'opaqueredirect' && (response.status < 300 || response.status >= 400 || response.status === 304)) return response;
    await response.body?.cancel();
    throw new CliError(
      'REDIRECTED',
      `the hub at ${new URL(url).origin} answers with a redirect, which is not followed; pass the address it moved to with --server`,
      exitCodes.refused,
    );
  };
}
