import { type CallKind, type Hub, lackingScopes, MeshworkError, type Principal } from '@meshwork/core';
import { challengeText } from './challenge-text.ts';
import { json, type PlainRequest, type PlainResponse } from './plain-http.ts';

export interface StepUpOptions {
  /** Where the client finds out where to get a better token. */
  readonly metadataUrl: string | undefined;
  readonly callTimeoutMs: number;
}

/** What a message asks the hub for, where it asks for one thing by name. */
interface Asked {
  readonly id: unknown;
  readonly kind: CallKind;
  readonly name: string;
  readonly arguments: unknown;
}

/**
 * The answer to a call for which an OAuth client's token has too narrow a scope: 403 with all scopes the call needs, on which the client gets
 * a token that has them (MCP 2026-07-28, authorization; RFC 6750 section 3.1). The hub refuses the call by the same rule, and so has it on record.
 */
export async function stepUp(
  hub: Hub,
  { request, principal, body }: { readonly request: PlainRequest; readonly principal: Principal; readonly body: unknown },
  { metadataUrl, callTimeoutMs }: StepUpOptions,
): Promise<PlainResponse | undefined> {
  // Whoever has a key cannot get a wider one by itself: it is refused as any other caller is.
  if (principal.method !== 'oauth' || principal.scopes === undefined) return undefined;
  const asked = askedIn(body);
  const target = asked && hub.catalogue.find(asked.kind, asked.name);
  if (asked === undefined || target === undefined) return undefined;
  const needed = hub.scopesFor(target);
  if (lackingScopes(principal, needed).length === 0) return undefined;
  const { id, ...call } = asked;
  await hub.call({ ...call, principal, face: 'mcp', signal: request.gone, deadline: Date.now() + callTimeoutMs }).catch((error) => {
    if (!MeshworkError.isInstance(error) || error.code !== 'DENIED') throw error;
  });
  const scope = needed.join(' ');
  const message = `the access token lacks a scope that ${asked.name} needs; get one with ${scope}`;
  const parameters = { error: 'insufficient_scope', scope, error_description: message, ...(metadataUrl !== undefined && { resource_metadata: metadataUrl }) };
  const error = { code: -31403, message, data: { code: 'DENIED', scope } };
  return json({ jsonrpc: '2.0', id: id ?? null, error }, 403, { 'www-authenticate': challengeText('Bearer', parameters) });
}

const kinds: ReadonlyMap<unknown, readonly [kind: CallKind, named: 'name' | 'uri']> = new Map([
  ['tools/call', ['tool', 'name']],
  ['resources/read', ['resource', 'uri']],
  ['prompts/get', ['prompt', 'name']],
]);

function askedIn(body: unknown): Asked | undefined {
  const { id, method, params } = (body ?? {}) as { id?: unknown; method?: unknown; params?: { name?: unknown; uri?: unknown; arguments?: unknown } };
  const [kind, named] = kinds.get(method) ?? [];
  const name = named === undefined ? undefined : params?.[named];
  return kind === undefined || typeof name !== 'string' ? undefined : { id, kind, name, arguments: params?.arguments };
}
