import {
  type Abortable,
  type CallResult,
  type Hub,
  type InputRequired,
  InternalError,
  type JsonObject,
  type OperationStarted,
  type Principal,
} from '@meshwork/core';
import { CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY, SERVER_INFO_META_KEY } from '@modelcontextprotocol/server';
import { findParamHeaderFault } from './param-headers.ts';
import { type ListMethod, listText } from './quick-lists.ts';
import { toProtocolError } from './to-protocol-error.ts';

/** A request of revision 2026-07-28 that needs nothing but its answer. */
export type QuickRequest = QuickCall | QuickList;

interface QuickCall {
  readonly method: 'tools/call' | 'resources/read' | 'prompts/get';
  readonly id: string | number;
  /** The tool, the prompt, or the resource's URI. */
  readonly name: string;
  readonly arguments: unknown;
  readonly client: { readonly name?: string; readonly version?: string; readonly capabilities: JsonObject };
}

interface QuickList {
  readonly method: ListMethod;
  readonly id: string | number;
}

const REVISION = '2026-07-28';

/**
 * Recognises the plain case: a well-formed request whose headers equal its body and that asks for no progress and no log lines. The SDK
 * builds a server for every request and checks every message against its schemas twice; the plain case needs neither. Whatever is unusual
 * or wrong in any way is left to the SDK, which then words the error: this function says yes only when nothing is in doubt.
 */
export function recogniseQuickly(hub: Hub, headers: HeaderReader, body: unknown): QuickRequest | undefined {
  if (!isObject(body) || !hasOnly(body, ENVELOPE_KEYS) || body.jsonrpc !== '2.0') return undefined;
  const { id, method, params } = body;
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) return undefined;
  if (typeof method !== 'string' || !isObject(params)) return undefined;
  const shape = shapes.get(method);
  if (shape === undefined || !hasOnly(params, shape.keys)) return undefined;
  const { arguments: args, _meta: meta } = params;
  if (!isObject(meta) || !hasOnly(meta, META_KEYS) || meta[PROTOCOL_VERSION_META_KEY] !== REVISION) return undefined;
  const capabilities = meta[CLIENT_CAPABILITIES_META_KEY];
  const info = meta[CLIENT_INFO_META_KEY];
  if (!isObject(capabilities) || !isObjectTree(capabilities)) return undefined;
  if (info !== undefined && !isPlainInfo(info)) return undefined;
  if (!headersAgree(headers, method)) return undefined;
  if (shape.named === undefined) return { method: method as ListMethod, id: id as string | number };
  const name = params[shape.named];
  if (typeof name !== 'string' || headers.header('mcp-name') !== name) return undefined;
  if (args !== undefined && !isObject(args)) return undefined;
  if (method === 'tools/call') {
    const target = hub.catalogue.find('tool', name);
    // Long work may be answered with a task, which is for the SDK's way.
    if (target?.kind !== 'tool' || target.tool.task !== undefined || findParamHeaderFault(target.tool, args, (header) => headers.header(header)) !== undefined)
      return undefined;
  } else if (method === 'prompts/get' && args !== undefined && !Object.values(args).every((value) => typeof value === 'string')) return undefined;
  return {
    method: method as QuickCall['method'],
    id: id as string | number,
    name,
    arguments: args,
    client: { ...(info as { name: string; version: string } | undefined), capabilities: capabilities as JsonObject },
  };
}

/** Where headers are read, by their lower-case names. */
export interface HeaderReader {
  header(name: string): string | null;
}

/** Answers it with JSON text: a list that is there already, or one `hub.call`. A question to the caller comes back as it is, for the SDK to put. */
export async function answerQuickly(
  hub: Hub,
  request: QuickRequest,
  { principal, signal, deadline }: { readonly principal: Principal; readonly signal: Abortable; readonly deadline: number },
): Promise<string | InputRequired> {
  const id = JSON.stringify(request.id);
  if (!('client' in request)) return `{"jsonrpc":"2.0","id":${id},"result":${listText(hub, request.method, principal)}}`;
  const { method, name, client } = request;
  try {
    const result = await hub.call({ kind: kinds[method], name, arguments: request.arguments, principal, face: 'mcp', signal, deadline, client });
    if (result.kind === 'input-required') return result;
    if (result.kind === 'operation') throw new InternalError('a call that takes no operation was answered with one');
    return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(withEnvelope(hub, result))}}`;
  } catch (error) {
    const { code, message, data } = toProtocolError(error);
    return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, data })}}`;
  }
}

function withEnvelope(hub: Hub, result: Exclude<CallResult, InputRequired | OperationStarted>): object {
  const { kind, ...answer } = result;
  const _meta = { [SERVER_INFO_META_KEY]: hub.info, ...('_meta' in answer && answer._meta) };
  return kind === 'resource' ? { ...answer, _meta, resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : { ...answer, _meta, resultType: 'complete' };
}

const kinds = { 'tools/call': 'tool', 'resources/read': 'resource', 'prompts/get': 'prompt' } as const;

/** What the parameters of each method may hold, and which of them the `Mcp-Name` header mirrors. */
const shapes = new Map<string, { readonly keys: ReadonlySet<string>; readonly named?: 'name' | 'uri' }>([
  ['tools/call', { keys: new Set(['name', 'arguments', '_meta']), named: 'name' }],
  ['prompts/get', { keys: new Set(['name', 'arguments', '_meta']), named: 'name' }],
  ['resources/read', { keys: new Set(['uri', '_meta']), named: 'uri' }],
  ['tools/list', { keys: new Set(['_meta']) }],
  ['resources/list', { keys: new Set(['_meta']) }],
  ['resources/templates/list', { keys: new Set(['_meta']) }],
  ['prompts/list', { keys: new Set(['_meta']) }],
  ['server/discover', { keys: new Set(['_meta']) }],
]);

const ENVELOPE_KEYS = new Set(['jsonrpc', 'id', 'method', 'params']);
const META_KEYS = new Set([PROTOCOL_VERSION_META_KEY, CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY]);

function headersAgree(headers: HeaderReader, method: string): boolean {
  const accept = headers.header('accept') ?? '';
  return (
    headers.header('content-type') === 'application/json' &&
    accept.includes('application/json') &&
    accept.includes('text/event-stream') &&
    headers.header('mcp-protocol-version') === REVISION &&
    headers.header('mcp-method') === method &&
    headers.header('traceparent') === null
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
