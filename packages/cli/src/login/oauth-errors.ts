import { JSON_ATTRIBUTE_COMPARISON, JWT_CLAIM_COMPARISON, ResponseBodyError, WWWAuthenticateChallengeError } from 'oauth4webapi';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';

/** The error code of RFC 6749 section 5.2 and its kin, where that is what the server said. */
export function oauthCode(error: unknown): string | undefined {
  if (error instanceof ResponseBodyError) return /^[a-z_]{1,64}$/.test(error.error) ? error.error : 'unknown_error';
  return error instanceof WWWAuthenticateChallengeError ? 'invalid_client' : undefined;
}

/** Puts what went wrong at an authorization server in plain words. Of what the server wrote, the code alone is repeated. */
export function explainOAuth(issuer: string, error: unknown): CliError {
  if (error instanceof CliError) return error;
  const code = oauthCode(error);
  const { code: kind } = error as { code?: unknown };
  if (code === undefined && (kind === JSON_ATTRIBUTE_COMPARISON || kind === JWT_CLAIM_COMPARISON))
    return new CliError('WRONG_ISSUER', `what answers for ${issuer} answers for another authorization server; nothing of it was kept`, exitCodes.refused);
  // No cause: what the library keeps of the answer may hold a token.
  if (code === undefined) return new CliError('OAUTH_INVALID', `${issuer} answers in a way that OAuth does not have`, exitCodes.refused);
  const why = reasons.get(code) ?? `it says ${code}`;
  return new CliError('OAUTH_REFUSED', `${issuer} gives no token: ${why}`, exitCodes.refused);
}

const unknownClient = 'it does not know this client, or not with this secret or key; check --client-id, and the secret or key';

const reasons: ReadonlyMap<string, string> = new Map([
  ['invalid_client', unknownClient],
  ['unauthorized_client', 'this client may not get one in this way; whoever runs it has to allow the grant'],
  ['unsupported_grant_type', 'it does not have this way to get one'],
  ['invalid_scope', 'this client may not have these scopes; name others with --scope'],
  ['invalid_target', 'it has none for this hub; whoever runs it has to add the hub as a resource'],
  ['invalid_grant', 'the login has ended or was revoked; log in again with "meshwork login"'],
  ['access_denied', 'somebody said no to it'],
  ['expired_token', 'nobody entered the code in time; log in again'],
  ['temporarily_unavailable', 'it has too much to do now; try again later'],
  ['server_error', 'something broke there; try again later'],
]);
