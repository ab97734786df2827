import { extractWWWAuthenticateParams } from '@modelcontextprotocol/client';
import { z } from 'zod';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { explainConnection } from '../explain-connection.ts';
import type { FetchLike } from '../trusting-fetch.ts';
import { isResourceOf } from './hub-names.ts';
import type { IssuerFetch } from './issuer-fetch.ts';

/** What a hub says of whose tokens open it. */
export interface HubMetadata {
  /** What tokens for it name as their resource. */
  readonly resource: string;
  readonly issuers: readonly string[];
  /** The scopes to ask for first, as its challenge or else its metadata has them. */
  readonly scope: string | undefined;
}

export interface HubMetadataOptions {
  /** For the host the user named. */
  readonly hubFetch: FetchLike;
  /** For any other. */
  readonly issuerFetch: IssuerFetch;
}

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 65_536;

const schema = z.looseObject({
  resource: z.string(),
  authorization_servers: z.array(z.string()).min(1),
  scopes_supported: z.array(z.string()).optional(),
});

/**
 * Asks a hub without a token, and reads the metadata it points at, or that is where RFC 9728 has it.
 *
 * @throws {CliError} when it does not answer, has none, or says that it is another resource than the one that was asked.
 */
export async function readHubMetadata(url: string, { hubFetch, issuerFetch }: HubMetadataOptions): Promise<HubMetadata> {
  const ask = (target: string, accept: string) =>
    hubFetch(target, { headers: { accept }, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error: unknown) => {
      if (error instanceof CliError) throw error;
      throw new CliError('UNREACHABLE', `no hub answers at ${url}: ${explainConnection(url, error) ?? 'check --server'}`, exitCodes.unreachable, {
        cause: error,
      });
    });
  const refusal = await ask(url, 'application/json, text/event-stream');
  await refusal.body?.cancel();
  const challenge = refusal.status === 401 ? extractWWWAuthenticateParams(refusal) : {};
  const { origin, pathname } = new URL(url);
  const wellKnown = `${origin}/.well-known/oauth-protected-resource`;
  for (const place of challenge.resourceMetadataUrl === undefined ? [wellKnown + pathname, wellKnown] : [challenge.resourceMetadataUrl.href]) {
    const isOwn = new URL(place).origin === origin;
    const answer = isOwn ? await ask(place, 'application/json') : await issuerFetch(place, { headers: { accept: 'application/json' } });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      continue;
    }
    const metadata = schema.safeParse(await readJson(answer)).data;
    if (metadata === undefined) throw new CliError('OAUTH_INVALID', `the metadata of the hub at ${url} is not what RFC 9728 says`, exitCodes.refused);
    const { resource, authorization_servers: issuers, scopes_supported: scopes } = metadata;
    if (!isResourceOf(resource, url))
      throw new CliError(
        'WRONG_RESOURCE',
        `the hub at ${url} says it is ${JSON.stringify(resource)}; a token for that is not shown to it. If that is the hub you mean, pass its address`,
        exitCodes.refused,
      );
    return { resource, issuers, scope: challenge.scope ?? scopes?.join(' ') };
  }
  throw new CliError('NO_OAUTH', `the hub at ${url} takes no tokens of an authorization server; use a key, with --key or MESHWORK_KEY`, exitCodes.refused);
}

/** `undefined` for what is no JSON, or more of it than metadata has. */
async function readJson(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    // Leaving the loop ends the download.
    if (length > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}
