import { type AuthorizationServer, type ClientAuth, ClientSecretBasic, ClientSecretPost, modifyAssertion, None, PrivateKeyJwt } from 'oauth4webapi';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { readClientKey } from './client-key.ts';
import type { ClientProof } from './stored-login.ts';

/** How the client authenticates, as the server wants it. `secret` is one that came on standard input. @throws {CliError} when secret or key are not to be had. */
export async function clientAuthOf(
  proof: ClientProof,
  { server, env, secret }: { readonly server: AuthorizationServer; readonly env: Io['env']; readonly secret?: string | undefined },
): Promise<ClientAuth> {
  if (proof.method === 'none') return None();
  if (proof.method === 'key') {
    const { key, algorithm, keyId } = await readClientKey(proof.file, listOf(server.token_endpoint_auth_signing_alg_values_supported));
    return PrivateKeyJwt(keyId === undefined && proof.keyId === undefined ? key : { key, kid: proof.keyId ?? keyId ?? '' }, {
      // Servers know Ed25519 by its older name.
      [modifyAssertion]: (header) => void Object.assign(header, { alg: algorithm }),
    });
  }
  const found = secret ?? (proof.variable === undefined ? undefined : env[proof.variable] || undefined);
  if (found === undefined)
    throw new CliError(
      'NO_SECRET',
      proof.variable === undefined
        ? 'the secret of the client was given on standard input and is not kept; log in again with "meshwork login"'
        : `the environment variable ${proof.variable} holds no secret; set it, or log in again with "meshwork login"`,
      exitCodes.refused,
    );
  const methods = listOf(server.token_endpoint_auth_methods_supported);
  // RFC 8414 section 2: the default is client_secret_basic.
  return methods === undefined || methods.includes('client_secret_basic') ? ClientSecretBasic(found) : ClientSecretPost(found);
}

/** Metadata is what the server wrote, whatever its type says. */
function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}
