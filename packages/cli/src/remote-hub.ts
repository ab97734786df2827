import type { JsonObject } from '@meshwork/core';
import { Client, InsufficientScopeError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { CliError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';
import { explainConnection } from './explain-connection.ts';
import type { HubTokens } from './login/hub-tokens.ts';
import type { FetchLike } from './trusting-fetch.ts';
import { version } from './version.ts';

/** A hub at the other end of a connection. */
export interface RemoteHub extends AsyncDisposable {
  readonly url: string;
  /** Calls a tool. @throws {CliError} when the hub refuses or the tool fails. */
  call(tool: string, args: JsonObject): Promise<JsonObject>;
  /** Calls a tool and gives back its result as it came. */
  callRaw(tool: string, args: JsonObject): Promise<{ isError?: boolean; structuredContent?: unknown; content: readonly unknown[] }>;
  tools(): Promise<readonly { name: string; title?: string | undefined; description?: string | undefined; inputSchema: JsonObject }[]>;
  /** Reads a resource that holds JSON. */
  read(uri: string): Promise<JsonObject>;
}

/** Connects to a hub. @throws {CliError} when nothing answers there, or it does not know the key. */
export async function connectHub({
  url,
  key,
  tokens,
  timeoutMs = 10_000,
  fetch,
}: {
  readonly url: string;
  readonly key?: string | undefined;
  /** In place of a key. */
  readonly tokens?: HubTokens;
  readonly timeoutMs?: number;
  /** For a hub whose certificate this machine does not know by itself. */
  readonly fetch?: FetchLike;
}): Promise<RemoteHub> {
  const client = new Client({ name: 'meshwork', version }, { versionNegotiation: { mode: 'auto' } });
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers },
    ...(fetch !== undefined && { fetch }),
    ...(tokens !== undefined && { authProvider: { token: () => tokens.token(), onUnauthorized: () => tokens.refused() } }),
  });
  // An ended login is said to be one before a connection is tried.
  await tokens?.token();
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof InsufficientScopeError && tokens !== undefined) return guard(url, widened(error, tokens, work), tokens);
      throw explain(url, error, tokens);
    }
  };
  await attempt(() => client.connect(transport, { timeout: timeoutMs }));
  const callRaw: RemoteHub['callRaw'] = async (tool, args) =>
    (await attempt(() => client.callTool({ name: tool, arguments: args as Record<string, unknown> }))) as never;
  return {
    url,
    callRaw,
    async call(tool, args) {
      const result = await callRaw(tool, args);
      const structured = (result.structuredContent ?? {}) as JsonObject;
      if (!result.isError) return structured;
      const code = String(structured.code ?? 'TOOL_FAILED');
      const wrong = code === 'INVALID_INPUT' || code === 'NOT_FOUND';
      throw new CliError(code, String(structured.message ?? 'the tool failed'), wrong ? exitCodes.usage : exitCodes.refused);
    },
    tools: async () => (await attempt(() => client.listTools())).tools as never,
    async read(uri) {
      const { contents } = await attempt(() => client.readResource({ uri }));
      const [first] = contents;
      return JSON.parse(first !== undefined && 'text' in first ? first.text : '{}') as JsonObject;
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Turns what the client throws into what a user can act on. */
async function guard<T>(url: string, work: Promise<T>, tokens?: HubTokens): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw explain(url, error, tokens);
  }
}

/** Does the work again with wider scopes, where there are any to be had: a hub that goes on asking for more is not followed. */
async function widened<T>(error: InsufficientScopeError, tokens: HubTokens, work: () => Promise<T>): Promise<T> {
  if (await tokens.widen(error.requiredScope)) return work();
  throw tokens.lacks(error.requiredScope);
}

function explain(url: string, error: unknown, tokens?: HubTokens): CliError {
  const said = cliErrorIn(error);
  if (said !== undefined) return said;
  if (error instanceof InsufficientScopeError)
    return (
      tokens?.lacks(error.requiredScope) ??
      new CliError('DENIED', `the access token lacks a scope this needs; get one with ${error.requiredScope ?? 'more'}`, exitCodes.refused, { cause: error })
    );
  const {
    code,
    message = String(error),
    status,
    data,
  } = error as { code?: unknown; message?: string; status?: number; data?: { status?: number; code?: string; text?: string } };
  const httpStatus =
    status ?? data?.status ?? (/\b(401|403|404|413)\b/.exec(message)?.[1] === undefined ? undefined : Number(/\b(401|403|404|413)\b/.exec(message)?.[1]));
  if (httpStatus === 401 || /unauthorized/i.test(message))
    return new CliError(
      'UNAUTHENTICATED',
      `the hub at ${url} does not accept this key; pass --key or set MESHWORK_KEY to the key "meshwork agent add" printed, or log in with "meshwork login" where it takes tokens`,
      exitCodes.refused,
      { cause: error },
    );
  if (httpStatus === 403)
    return new CliError(
      'DENIED',
      /from your address/.test(`${message} ${data?.text ?? ''}`)
        ? `the hub at ${url} takes no calls from this address; its allowAddresses and denyAddresses say whose`
        : `the hub at ${url} does not answer to that name; add it to allowedHosts in its configuration`,
      exitCodes.refused,
      { cause: error },
    );
  if (code === -32602) return new CliError(data?.code ?? 'INVALID_INPUT', message, exitCodes.usage, { cause: error });
  if (typeof code === 'number') return new CliError(data?.code ?? `RPC_${code}`, message, exitCodes.refused, { cause: error });
  const why = explainConnection(url, error) ?? 'start one with "meshwork up", or pass --server';
  return new CliError('UNREACHABLE', `no hub answers at ${url}: ${why}`, exitCodes.unreachable, { cause: error });
}

/** What the tokens or the `fetch` threw, wherever the client put it. */
function cliErrorIn(error: unknown, depth = 0): CliError | undefined {
  if (error instanceof CliError) return error;
  return error instanceof Error && depth < 8 ? cliErrorIn(error.cause, depth + 1) : undefined;
}
