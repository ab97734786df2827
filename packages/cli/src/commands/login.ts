import { setTimeout as wait } from 'node:timers/promises';
import { CliError, usageError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { chooseLogin, type LoginFlags } from '../login/choose-login.ts';
import { connectIssuer } from '../login/connect-issuer.ts';
import { devicePrompt, waitForDevice } from '../login/device-flow.ts';
import { isLoopbackUrl } from '../login/hub-names.ts';
import type { IssuerClient } from '../login/issuer-client.ts';
import { explainOAuth } from '../login/oauth-errors.ts';
import { scopeList } from '../login/scope-list.ts';
import { describeLogin, type StoredLogin } from '../login/stored-login.ts';

/** Gets a token for a hub from its authorization server, tries it, and keeps it. */
export async function login(context: CommandContext, flags: LoginFlags): Promise<ExitCode> {
  const { io, url, logins } = context;
  // RFC 6750 section 5.3: what can be read on the way is anybody's.
  if (new URL(url).protocol === 'http:' && !isLoopbackUrl(url)) throw usageError(`a token for ${url} could be read on the way; log in to hubs over https`);
  const secret = flags.clientSecretStdin === true ? await secretIn(context) : undefined;
  const { login: parties, scope: first } = await chooseLogin(context, flags);
  const client = await connectIssuer(parties, { env: io.env, secret });
  const scope = askedFor(first, parties, client);
  const { scope: given, ...tokens } = await (parties.grant === 'device' ? askUser(context, parties, client, scope) : askForItself(parties, client, scope));
  const made: StoredLogin = { ...parties, ...tokens, scope: given ?? scope };
  await context.tryToken(made.accessToken).catch(async (error) => {
    if (tokens.refreshToken !== undefined) await client.revoke(tokens.refreshToken, 'refresh_token').catch(() => {});
    if (!(error instanceof CliError) || error.code !== 'UNAUTHENTICATED') throw error;
    const why = `it was made by ${made.issuer}, which may not make tokens for this hub alone (RFC 8707), or the hub does not know this client`;
    throw new CliError('UNAUTHENTICATED', `the hub at ${url} does not take the token, so it was not kept: ${why}`, exitCodes.refused);
  });
  await logins.exclusively(made.resource, () => logins.save(made));
  const isShadowed = (await context.credential()).by === 'key';
  const document = { ...describeLogin(made), stored_in: logins.fileOf(made.resource) };
  context.print(document, () =>
    [
      `Logged in to ${made.resource} as ${made.clientId}, by ${made.issuer}.`,
      `  scopes   ${made.scope || 'none'}`,
      `  expires  ${made.expiresAt === undefined ? 'not said' : new Date(made.expiresAt).toISOString()}${document.renewable ? ', and is renewed by itself' : ''}`,
      `  kept in  ${document.stored_in} (only you can read it)`,
      ...(isShadowed ? ['', 'A key is given, with --key or MESHWORK_KEY, and comes before the login.'] : []),
    ].join('\n'),
  );
  return exitCodes.ok;
}

/** Has the tokens revoked, and removes them. */
export async function logout(context: CommandContext): Promise<ExitCode> {
  const { endLogin } = await import('../login/end-login.ts');
  const ended = await endLogin(context.url, { store: context.logins, env: context.io.env });
  const { resource = context.url, revoked = false, why } = ended ?? {};
  const document = { resource, logged_out: ended !== undefined, revoked, ...(why !== undefined && { why }) };
  context.print(document, () => {
    if (ended === undefined) return `There was no login for ${context.url}.`;
    return revoked ? `Logged out of ${resource}.` : `Logged out of ${resource} on this machine; the tokens were not taken back: ${why}`;
  });
  return ended === undefined ? exitCodes.refused : exitCodes.ok;
}

/** Says what commands show the hub: which kind of credential, and of a login everything but its tokens. */
export async function whoami(context: CommandContext): Promise<ExitCode> {
  const credential = await context.credential();
  const document = { server: context.url, by: credential.by, ...(credential.by === 'login' && describeLogin(credential.login)) };
  context.print(document, () => {
    if (credential.by === 'nothing') return `Nobody: there is neither a key nor a login for ${context.url}; "meshwork login" gets one.`;
    if (credential.by !== 'login') return `Whoever the ${credential.by === 'admin-key' ? 'admin key in the data folder' : 'given key'} is for.`;
    const { clientId, issuer, scope } = credential.login;
    return `The client ${clientId} of ${issuer}, with ${scope || 'no scopes'}.`;
  });
  return credential.by === 'nothing' ? exitCodes.refused : exitCodes.ok;
}

/** A server that has refresh tokens for users gives one for `offline_access`; where the user named the scopes, those are all. */
function askedFor(scope: string, { grant, scopeNamed }: Pick<StoredLogin, 'grant' | 'scopeNamed'>, { server }: IssuerClient): string {
  const { scopes_supported: supported } = server;
  return grant === 'device' && !scopeNamed && Array.isArray(supported) && supported.includes('offline_access') ? scopeList(scope, 'offline_access') : scope;
}

function askForItself({ issuer }: Pick<StoredLogin, 'issuer'>, client: IssuerClient, scope: string) {
  return client.forItself(scope).catch((error) => {
    throw explainOAuth(issuer, error);
  });
}

/** The device flow (RFC 8628). What is shown goes to standard error: standard output holds the result alone. */
async function askUser(
  { io }: CommandContext,
  { issuer, allowPrivateHosts }: Pick<StoredLogin, 'issuer' | 'allowPrivateHosts'>,
  client: IssuerClient,
  scope: string,
) {
  if (client.server.device_authorization_endpoint === undefined)
    throw new CliError(
      'NO_DEVICE_FLOW',
      `${issuer} has no page to enter a code on (RFC 8628); log in as a client of your own, with --client-id and --private-key or --client-secret-env`,
      exitCodes.refused,
    );
  const started = await client.startDevice(scope).catch((error) => {
    throw explainOAuth(issuer, error);
  });
  const { link, wholeLink, code } = devicePrompt(issuer, started, allowPrivateHosts);
  io.err(`Open ${link} in a browser, and enter the code ${code}\n${wholeLink === undefined ? '' : `or open ${wholeLink}\n`}Waiting`);
  try {
    return await waitForDevice({ issuer, started, ask: client.forDevice, onWaiting: () => io.err('.'), sleep: wait });
  } finally {
    io.err('\n');
  }
}

async function secretIn({ io }: CommandContext): Promise<string> {
  const secret = (await io.readInput?.())?.replace(/\r?\n$/, '') ?? '';
  if (secret === '' || /[\r\n]/.test(secret)) throw usageError('--client-secret-stdin: standard input must hold the secret, on one line');
  return secret;
}
