import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { connectIssuer } from './connect-issuer.ts';
import type { LoginStore } from './login-store.ts';
import { explainOAuth } from './oauth-errors.ts';
import type { StoredLogin } from './stored-login.ts';

/** What came of a logout. The login is gone from this machine in any case. */
export interface EndedLogin {
  readonly resource: string | undefined;
  /** True when the authorization server took the tokens back (RFC 7009). */
  readonly revoked: boolean;
  /** Why not. */
  readonly why?: string;
}

/** Has the tokens for the hub at this endpoint revoked, and removes them. `undefined` when there were none. */
export async function endLogin(url: string, { store, env }: { readonly store: LoginStore; readonly env: Io['env'] }): Promise<EndedLogin | undefined> {
  let login: StoredLogin | undefined;
  try {
    login = await store.find(url);
  } catch (error) {
    // A file that others could change may name a server that only waits for the token.
    if (!(error instanceof CliError)) throw error;
    await store.remove(url);
    return { resource: undefined, revoked: false, why: error.message };
  }
  if (login === undefined) return undefined;
  const { resource } = login;
  return store.exclusively(resource, async () => {
    const current = (await store.find(url)) ?? login;
    try {
      await revoke(current, env);
      return { resource, revoked: true };
    } catch (error) {
      return { resource, revoked: false, why: explainOAuth(current.issuer, error).message };
    } finally {
      await store.remove(url);
    }
  });
}

async function revoke(login: StoredLogin, env: Io['env']): Promise<void> {
  const client = await connectIssuer(login, { env });
  if (client.server.revocation_endpoint === undefined)
    throw new CliError('OAUTH_REFUSED', `${login.issuer} takes no tokens back; they are good until they expire`, exitCodes.refused);
  // With the refresh token go the access tokens that were had with it.
  if (login.refreshToken !== undefined) await client.revoke(login.refreshToken, 'refresh_token');
  await client.revoke(login.accessToken, 'access_token').catch((error) => {
    // Servers need not be able to take back tokens they do not look up (RFC 7009 section 2.2.1).
    if (login.refreshToken === undefined) throw error;
  });
}
