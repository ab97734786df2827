import type { Io } from '../io.ts';
import { clientAuthOf } from './client-proof.ts';
import { createIssuerClient, type IssuerClient } from './issuer-client.ts';
import { createIssuerFetch } from './issuer-fetch.ts';
import { readIssuerMetadata } from './issuer-metadata.ts';
import type { StoredLogin } from './stored-login.ts';

/** The part of a login that says which client asks which server for which hub. */
export type LoginParties = Pick<StoredLogin, 'issuer' | 'clientId' | 'proof' | 'resource' | 'allowPrivateHosts'>;

/** Reads what the server says of itself now, and readies the client's proof. What is kept of a client goes to its own issuer only. @throws {CliError} */
export async function connectIssuer(
  parties: LoginParties,
  { env, secret }: { readonly env: Io['env']; readonly secret?: string | undefined },
): Promise<IssuerClient> {
  const { issuer, clientId, proof, resource, allowPrivateHosts } = parties;
  const fetch = createIssuerFetch(allowPrivateHosts);
  const server = await readIssuerMetadata(issuer, fetch);
  return createIssuerClient({ server, clientId, auth: await clientAuthOf(proof, { server, env, secret }), resource, fetch });
}
