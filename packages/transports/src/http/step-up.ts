import { type CallKind, type CallResult, failureCodeOf, type Hub, lackingScopes, MeshworkError, type Principal } from '@meshwork/core';
import { challengeText } from './challenge-text.ts';
import { errorAnswer, json, type PlainRequest, type PlainResponse } from './plain-http.ts';
import { UNRECORDED } from './refusals.ts';

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
  const asked = askedIn(body);
  const needed = asked && scopesLacked(hub, principal, asked.kind, asked.name);
  if (asked === undefined || needed === undefined) return undefined;
  const { id, ...call } = asked;
  const code = await failureOf(hub.call({ ...call, principal, face: 'mcp', signal: request.gone, deadline: Date.now() + callTimeoutMs }));
  if (code !== undefined && unrecorded.has(code)) return errorAnswer(503, -31503, UNRECORDED, { 'retry-after': '5' });
  const { message, scope, headers } = scopeChallenge(asked.name, needed, metadataUrl);
  const error = { code: -31403, message, data: { code: 'DENIED', scope } };
  return json({ jsonrpc: '2.0', id: id ?? null, error }, 403, headers);
}

/** The scopes a call needs, when it is made with an OAuth client's token that lacks one of them; `undefined` for every other call. */
export function scopesLacked(hub: Hub, principal: Principal, kind: CallKind, name: string): readonly string[] | undefined {
  // Whoever has a key cannot get a wider one by itself: it is refused as any other caller is.
  if (principal.method !== 'oauth' || principal.scopes === undefined) return undefined;
  const target = hub.catalogue.find(kind, name);
  const needed = target === undefined ? [] : hub.scopesFor(target);
  return lackingScopes(principal, needed).length === 0 ? undefined : needed;
}

/** What a client is told that lacks one of these scopes. */
export function scopeChallenge(
  name: string,
  needed: readonly string[],
  metadataUrl: string | undefined,
): { readonly message: string; readonly scope: string; readonly headers: Readonly<Record<string, string>> } {
  const scope = needed.join(' ');
  const message = `the access token lacks a scope that ${name} needs; get one with ${scope}`;
  const parameters = { error: 'insufficient_scope', scope, error_description: message, ...(metadataUrl !== undefined && { resource_metadata: metadataUrl }) };
  return { message, scope, headers: { 'www-authenticate': challengeText('Bearer', parameters) } };
}

/** What a call ends with that is perhaps not on record. */
const unrecorded: ReadonlySet<string> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'CLOSED']);

async function failureOf(call: Promise<CallResult>): Promise<string | undefined> {
  try {
    return failureCodeOf({ result: await call, error: undefined });
  } catch (error) {
    if (MeshworkError.isInstance(error) && (error.code === 'DENIED' || unrecorded.has(error.code))) return error.code;
    throw error;
  }
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
