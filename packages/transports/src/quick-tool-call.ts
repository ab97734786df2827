import type { AnyTool, Hub, InputRequired, JsonObject, Principal } from '@meshwork/core';
import { CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY, SERVER_INFO_META_KEY } from '@modelcontextprotocol/server';
import { findParamHeaderFault } from './param-headers.ts';
import { toProtocolError } from './to-protocol-error.ts';

/** A tool call of revision 2026-07-28 that needs nothing but its answer. */
export interface QuickToolCall {
  readonly id: string | number;
  readonly tool: AnyTool;
  readonly arguments: unknown;
  readonly client: { readonly name?: string; readonly version?: string; readonly capabilities: JsonObject };
}

const REVISION = '2026-07-28';

/**
 * Recognises the plain case: a well-formed `tools/call` whose headers equal its body and that asks for no progress and no log lines. The
 * SDK builds a server for every request and checks every message against its schemas twice; the plain case needs neither. Whatever is
 * unusual or wrong in any way is left to the SDK, which then words the error: this function says yes only when nothing is in doubt.
 */
export function recogniseQuickCall(hub: Hub, headers: Headers, body: unknown): QuickToolCall | undefined {
  if (!isObject(body) || !hasOnly(body, ENVELOPE_KEYS) || body.jsonrpc !== '2.0' || body.method !== 'tools/call') return undefined;
  const { id, params } = body;
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) return undefined;
  if (!isObject(params) || !hasOnly(params, PARAMS_KEYS)) return undefined;
  const { name, arguments: args, _meta: meta } = params;
  if (typeof name !== 'string' || (args !== undefined && !isObject(args))) return undefined;
  if (!isObject(meta) || !hasOnly(meta, META_KEYS) || meta[PROTOCOL_VERSION_META_KEY] !== REVISION) return undefined;
  const capabilities = meta[CLIENT_CAPABILITIES_META_KEY];
  const info = meta[CLIENT_INFO_META_KEY];
  if (!isObject(capabilities) || !isObjectTree(capabilities)) return undefined;
  if (info !== undefined && !isPlainInfo(info)) return undefined;
  if (!headersAgree(headers, name)) return undefined;
  const target = hub.catalogue.find('tool', name);
  if (target?.kind !== 'tool' || findParamHeaderFault(target.tool, args, headers) !== undefined) return undefined;
  return {
    id: id as string | number,
    tool: target.tool,
    arguments: args,
    client: { ...(info as { name: string; version: string } | undefined), capabilities: capabilities as JsonObject },
  };
}

/** Runs it: one `hub.call`, one JSON answer. A question to the caller comes back as it is, for the SDK to put. */
export async function answerQuickCall(
  hub: Hub,
  principal: Principal,
  call: QuickToolCall,
  { signal, deadline }: { signal: AbortSignal; deadline: number },
): Promise<Response | InputRequired> {
  const { id, tool, client } = call;
  try {
    const result = await hub.call({ kind: 'tool', name: tool.name, arguments: call.arguments, principal, face: 'mcp', signal, deadline, client });
    if (result.kind === 'input-required') return result;
    const { kind: _, ...answer } = result;
    const _meta = { [SERVER_INFO_META_KEY]: hub.info, ...(result.kind === 'tool' && result._meta) };
    return json({ jsonrpc: '2.0', id, result: { ...answer, _meta, resultType: 'complete' } });
  } catch (error) {
    const { code, message, data } = toProtocolError(error);
    return json({ jsonrpc: '2.0', id, error: { code, message, data } });
  }
}

const ENVELOPE_KEYS = new Set(['jsonrpc', 'id', 'method', 'params']);
const PARAMS_KEYS = new Set(['name', 'arguments', '_meta']);
const META_KEYS = new Set([PROTOCOL_VERSION_META_KEY, CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY]);

function headersAgree(headers: Headers, name: string): boolean {
  const accept = headers.get('accept') ?? '';
  return (
    headers.get('content-type') === 'application/json' &&
    accept.includes('application/json') &&
    accept.includes('text/event-stream') &&
    headers.get('mcp-protocol-version') === REVISION &&
    headers.get('mcp-method') === 'tools/call' &&
    headers.get('mcp-name') === name &&
    headers.get('traceparent') === null
  );
}

function isPlainInfo(info: unknown): boolean {
  return (
    isObject(info) &&
    hasOnly(info, INFO_KEYS) &&
    typeof info.name === 'string' &&
    typeof info.version === 'string' &&
    (info.title === undefined || typeof info.title === 'string')
  );
}

const INFO_KEYS = new Set(['name', 'version', 'title']);

function json(body: unknown): Response {
  return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } });
}

/** Objects all the way down: how capabilities look when they declare no more than that they are there. */
function isObjectTree(value: Record<string, unknown>): boolean {
  return Object.values(value).every((inner) => isObject(inner) && isObjectTree(inner));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasOnly(value: Record<string, unknown>, keys: ReadonlySet<string>): boolean {
  for (const key of Object.keys(value)) if (!keys.has(key)) return false;
  return true;
}
