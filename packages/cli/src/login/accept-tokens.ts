import type { AuthorizationServer, TokenEndpointResponse } from 'oauth4webapi';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { scopeList } from './scope-list.ts';
import type { StoredLogin } from './stored-login.ts';

/** What a token endpoint gave, in the words of a {@link StoredLogin}. */
export type Tokens = Pick<StoredLogin, 'accessToken' | 'refreshToken' | 'expiresAt'> & {
  /** Absent: the scopes that were asked for (RFC 6749 section 5.1). */
  readonly scope?: string;
};

/** What goes in a header, and nothing that ends one (RFC 6750 section 2.1 has less still). */
const TOKEN = /^[\x21-\x7e]{1,16384}$/;

/** A year: beyond it nobody is served by knowing when. */
const LONGEST_S = 31_536_000;

/** @throws {CliError} when the answer is of another issuer, or its token is none that could be sent. */
export function acceptTokens({ issuer }: AuthorizationServer, answer: TokenEndpointResponse): Tokens {
  const { access_token: accessToken, refresh_token: refreshToken, token_type: type, expires_in: seconds, scope, iss } = answer;
  if (iss !== undefined && iss !== issuer)
    throw new CliError('WRONG_ISSUER', `the token that ${issuer} gave says it is from another issuer; it was not kept`, exitCodes.refused);
  if (type !== 'bearer') throw new CliError('OAUTH_INVALID', `${issuer} gave a token of another type than Bearer, which was not asked for`, exitCodes.refused);
  if (!TOKEN.test(accessToken) || (refreshToken !== undefined && !TOKEN.test(refreshToken)))
    throw new CliError('OAUTH_INVALID', `${issuer} gave a token that cannot be sent in a header`, exitCodes.refused);
  return {
    accessToken,
    ...(refreshToken !== undefined && { refreshToken }),
    ...(seconds !== undefined && { expiresAt: Date.now() + Math.min(seconds, LONGEST_S) * 1_000 }),
    ...(scope !== undefined && { scope: scopeList(scope) }),
  };
}
