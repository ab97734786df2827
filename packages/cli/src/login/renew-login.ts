import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import type { Tokens } from './accept-tokens.ts';
import { connectIssuer } from './connect-issuer.ts';
import type { IssuerClient } from './issuer-client.ts';
import type { LoginStore } from './login-store.ts';
import { explainOAuth, oauthCode } from './oauth-errors.ts';
import { isExpired, isRenewable, type StoredLogin } from './stored-login.ts';

export interface RenewOptions {
  readonly store: LoginStore;
  readonly env: Io['env'];
  /** Wider scopes, for a client that asks for itself. */
  readonly scope?: string;
}

/**
 * A login with a new access token in place of `old`'s, kept before it is used, since the refresh token may have been used up. When another
 * process was quicker, its login.
 *
 * @throws {CliError} `LOGIN_EXPIRED` when somebody has to log in again, `UNREACHABLE` when the authorization server does not answer.
 */
export function renewLogin(old: StoredLogin, { store, env, scope }: RenewOptions): Promise<StoredLogin> {
  const { resource } = old;
  return store.exclusively(resource, async () => {
    const current = await store.find(resource);
    if (current === undefined) throw ended(resource);
    const isNewer = current.accessToken !== old.accessToken && !isExpired(current);
    if (isNewer && (scope === undefined || current.scope === scope)) return current;
    if (!isRenewable(current)) throw ended(resource);
    const client = await connectIssuer(current, { env });
    const { scope: given, ...tokens } = await askAgain(client, current, scope);
    const renewed = { ...current, expiresAt: undefined, ...tokens, scope: given ?? scope ?? current.scope };
    await store.save(renewed);
    return renewed;
  });
}

async function askAgain(client: IssuerClient, { refreshToken, grant, resource, issuer, scope }: StoredLogin, wider: string | undefined): Promise<Tokens> {
  try {
    // A refresh token never gives more than it was given for (RFC 6749 section 6).
    if (refreshToken !== undefined && wider === undefined) return await client.refresh(refreshToken);
  } catch (error) {
    if (oauthCode(error) !== 'invalid_grant') throw explainOAuth(issuer, error);
    if (grant === 'device') throw ended(resource);
  }
  return client.forItself(wider ?? scope).catch((error) => {
    throw explainOAuth(issuer, error);
  });
}

function ended(resource: string): CliError {
  return new CliError('LOGIN_EXPIRED', `the login for ${resource} has ended; log in again with "meshwork login ${resource}"`, exitCodes.refused);
}
