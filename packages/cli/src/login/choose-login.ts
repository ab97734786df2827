import { resolve } from 'node:path';
import { CliError, usageError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { createHubFetch } from './hub-fetch.ts';
import { readHubMetadata } from './hub-metadata.ts';
import { createIssuerFetch } from './issuer-fetch.ts';
import { scopeList } from './scope-list.ts';
import type { ClientProof, StoredLogin } from './stored-login.ts';

/** The flags of `meshwork login`. */
export interface LoginFlags {
  readonly clientId?: string;
  readonly scope?: string;
  readonly issuer?: string;
  readonly device?: boolean;
  readonly clientSecretEnv?: string;
  readonly clientSecretStdin?: boolean;
  readonly privateKey?: string;
  readonly keyId?: string;
  readonly allowPrivateHost?: readonly string[];
}

/** Who is to ask whom, how, and for what. */
export interface ChosenLogin {
  /** A login, but for its tokens. */
  readonly login: Omit<StoredLogin, 'accessToken' | 'refreshToken' | 'expiresAt' | 'scope'>;
  readonly scope: string;
}

/** From the flags, what the hub says, and the login that is there already, of which only its own issuer hears. @throws {CliError} */
export async function chooseLogin(context: CommandContext, flags: LoginFlags): Promise<ChosenLogin> {
  const { io, url, logins } = context;
  const earlier = await logins.find(url).catch((error: unknown) => {
    if (error instanceof CliError) return undefined;
    throw error;
  });
  const allowPrivateHosts = [...(flags.allowPrivateHost ?? earlier?.allowPrivateHosts ?? [])];
  const given = proofIn(flags, io.cwd);
  const hub = await readHubMetadata(url, { hubFetch: createHubFetch(await context.identity()), issuerFetch: createIssuerFetch(allowPrivateHosts) });
  const issuer = pickIssuer(hub.issuers, flags.issuer, earlier?.issuer, url);
  const same = earlier?.issuer === issuer && (flags.clientId === undefined || flags.clientId === earlier.clientId) ? earlier : undefined;
  const clientId = flags.clientId ?? same?.clientId;
  if (clientId === undefined) throw usageError(`say as which client, with --client-id; whoever runs ${issuer} registers one for this program`);
  const proof = given ?? same?.proof ?? { method: 'none' };
  const isDevice = flags.device ?? (given === undefined ? same?.grant !== 'client-credentials' : false);
  if (isDevice && flags.device !== true && io.isTerminal !== true)
    throw usageError('there is no terminal to show a code on; pass --device if somebody reads this, or --client-id with --private-key or --client-secret-env');
  return {
    login: {
      version: 1,
      resource: hub.resource,
      issuer,
      clientId,
      grant: isDevice ? 'device' : 'client-credentials',
      proof,
      scopeNamed: flags.scope !== undefined,
      allowPrivateHosts,
    },
    scope: scopeList(flags.scope ?? hub.scope),
  };
}

function pickIssuer(issuers: readonly string[], wanted: string | undefined, earlier: string | undefined, url: string): string {
  const names = issuers.map((issuer) => JSON.stringify(issuer)).join(', ');
  if (wanted !== undefined && !issuers.includes(wanted)) throw usageError(`the hub at ${url} takes no tokens of ${wanted}, but of ${names}`);
  const found = wanted ?? issuers.find((issuer) => issuer === earlier) ?? (issuers.length === 1 ? issuers[0] : undefined);
  if (found === undefined) throw usageError(`the hub at ${url} has several authorization servers; say which with --issuer: ${names}`);
  return found;
}

function proofIn({ clientSecretEnv, clientSecretStdin, privateKey, keyId }: LoginFlags, cwd: string): ClientProof | undefined {
  const given = [clientSecretEnv, clientSecretStdin, privateKey].filter((flag) => flag !== undefined);
  if (given.length > 1) throw usageError('pass one of --client-secret-env, --client-secret-stdin and --private-key');
  if (keyId !== undefined && privateKey === undefined) throw usageError('--key-id names the key of --private-key; pass that too');
  if (privateKey !== undefined) return { method: 'key', file: resolve(cwd, privateKey), ...(keyId !== undefined && { keyId }) };
  if (clientSecretEnv !== undefined) return { method: 'secret', variable: clientSecretEnv };
  return clientSecretStdin === undefined ? undefined : { method: 'secret' };
}
