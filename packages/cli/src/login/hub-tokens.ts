import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import type { LoginStore } from './login-store.ts';
import { hasScopes, scopeList } from './scope-list.ts';
import { isExpired, type StoredLogin } from './stored-login.ts';

/** The tokens of one login, for one connection to the hub they are for. */
export interface HubTokens {
  /** One that has not expired. @throws {CliError} when none can be had. */
  token(): Promise<string>;
  /** To be called when the hub refused the token: gets another, once. @throws {CliError} when there is none, or it was refused too. */
  refused(): Promise<void>;
  /** True when it got a token with these scopes too: once, for a client that asks for itself and whose scopes nobody named. @throws {CliError} */
  widen(required: string | undefined): Promise<boolean>;
  /** What to do about scopes that the login does not have. */
  lacks(required: string | undefined): CliError;
}

export interface HubTokensOptions {
  readonly store: LoginStore;
  readonly env: Io['env'];
  /** Default true. */
  readonly mayWiden?: boolean;
}

export function createHubTokens(found: StoredLogin, { store, env, mayWiden = true }: HubTokensOptions): HubTokens {
  let login = found;
  let isRefused = false;
  let isWidened = false;
  const renew = async (scope?: string) => {
    // Only whoever needs a token pays for the client.
    const { renewLogin } = await import('./renew-login.ts');
    login = await renewLogin(login, { store, env, ...(scope !== undefined && { scope }) });
  };
  return {
    async token() {
      if (isExpired(login)) await renew();
      return login.accessToken;
    },
    async refused() {
      if (isRefused) throw notTaken(login);
      isRefused = true;
      await renew();
    },
    async widen(required) {
      const scope = scopeList(login.scope, required);
      if (!mayWiden || isWidened || login.scopeNamed || login.grant !== 'client-credentials' || hasScopes(login.scope, scope)) return false;
      isWidened = true;
      await renew(scope);
      return hasScopes(login.scope, scope);
    },
    lacks: (required) => lacksScope(login, required),
  };
}

function notTaken({ resource, issuer }: StoredLogin): CliError {
  return new CliError(
    'UNAUTHENTICATED',
    `the hub at ${resource} does not take the tokens ${issuer} gives; it may not know this client, or the server makes no tokens for it. Ask its admin, or log in again`,
    exitCodes.refused,
  );
}

function lacksScope({ resource, scope }: StoredLogin, required: string | undefined): CliError {
  const wanted = scopeList(scope, required);
  const remedy = hasScopes(scope, wanted) ? 'ask whoever runs the authorization server' : `log in again with: meshwork login ${resource} --scope "${wanted}"`;
  return new CliError('DENIED', `this needs ${scopeList(required) || 'more scopes'}, which the login does not have; ${remedy}`, exitCodes.refused);
}
