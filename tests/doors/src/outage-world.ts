import { type AuditLog, audit } from '@meshwork/audit';
import { createHub, defineTool, type Hub, inProcessPrincipal, type Store, toolAnswer } from '@meshwork/core';
import { type Guardian, guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { connectInProcess, connectWebSocket, type HttpServer, type ServeHttpOptions, serveHttp } from '@meshwork/transports';
import { Client, type Transport } from '@modelcontextprotocol/client';
import { z } from 'zod';
import { mcpRequest } from './faces.ts';
import type { LoadCaller } from './load.ts';

const engine = createCedarEngine({ policies: standardPolicies, schema: standardSchema });

/** Milliseconds a call has, the door has to say who calls, and the journal has to answer. */
const times = { callTimeoutMs: 1_000, admissionMs: 1_000, patienceMs: 1_000 } as const;

/** What of these is waited for one after the other, and a generous margin: an answer that takes longer comes too late. */
export const LATEST_MS = times.callTimeoutMs + times.admissionMs + times.patienceMs + 8_000;

export interface OutageWorld extends AsyncDisposable {
  readonly hub: Hub;
  readonly guard: Guardian;
  readonly log: AuditLog;
  readonly server: HttpServer;
  /** Puts forward the clock by which the guardian trusts what it has read. */
  advance(ms: number): void;
}

/** A hub on a real port with a tool that reads and one that writes into the store it lives on. */
export async function openOutageWorld(store: Store, serve: Partial<ServeHttpOptions> = {}, certificateAgents?: string): Promise<OutageWorld> {
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead };
  const log = audit({ journal: store, patienceMs: times.patienceMs });
  const guard = guardian({ store, engine, clock, ...(certificateAgents !== undefined && { certificateAgents }) });
  const input = z.strictObject({ id: z.string() });
  const tools = [
    defineTool({
      name: 'note_read',
      description: 'Reads a note.',
      category: 'notes',
      effect: 'read',
      input,
      async run({ id }) {
        await store.get(`note/${id}`);
        return toolAnswer([{ type: 'text', text: 'read' }]);
      },
    }),
    defineTool({
      name: 'note_write',
      description: 'Keeps a note.',
      category: 'notes',
      effect: 'write',
      input,
      async run({ id }) {
        await store.put(`note/${id}`, id);
        return toolAnswer([{ type: 'text', text: 'written' }]);
      },
    }),
  ];
  const hub = createHub({ modules: [log, guard, { name: 'notes', tools }] });
  const { callTimeoutMs, admissionMs } = times;
  const server = await serveHttp(hub, {
    port: 0,
    authenticator: guard.authenticator,
    recorder: log.door,
    callTimeoutMs,
    admissionMs,
    webSocket: { callTimeoutMs },
    ...serve,
  });
  return {
    hub,
    guard,
    log,
    server,
    advance(ms) {
      ahead += ms;
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await hub.close();
    },
  };
}

/** Every other call reads, and every other writes. */
export const toolFor = (id: string) => (Number(id.split('-').at(-1)) % 2 === 0 ? 'note_read' : 'note_write');

/** What a caller makes of an answer over MCP. */
interface McpAnswer {
  readonly result?: ToolResult;
  readonly error?: { readonly message: string; readonly data?: { readonly code?: string } };
}
interface ToolResult {
  readonly isError?: boolean | undefined;
  readonly structuredContent?: unknown;
}

const endOf = ({ isError, structuredContent }: ToolResult) => (isError ? String((structuredContent as { code?: unknown } | undefined)?.code) : 'ok');

/** A caller by MCP 2026-07-28 over HTTP. `send` is `fetch`, or does as it does. */
export function overMcp(name: string, url: string, headers: () => Record<string, string>, send: typeof fetch = fetch): LoadCaller {
  return {
    name,
    async call(id) {
      const response = await send(url, mcpRequest('tools/call', { name: toolFor(id), arguments: { id } }, headers()));
      const text = await response.text();
      if (response.status !== 200) return String(response.status);
      const { result, error } = JSON.parse(text) as McpAnswer;
      return result === undefined ? String(error?.data?.code ?? error?.message) : endOf(result);
    },
  };
}

/** A caller over REST: what went wrong is told by the problem's code. */
export function overRest(name: string, url: string, headers: () => Record<string, string>): LoadCaller {
  return {
    name,
    async call(id) {
      const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers() }, body: JSON.stringify({ id }) };
      const response = await fetch(`${url}/tools/${toolFor(id)}`, init);
      const body = (await response.json()) as { code?: string };
      return response.status === 200 ? 'ok' : (body.code ?? String(response.status));
    },
  };
}

/** A caller with the official client on a transport that lasts. */
async function overClient(name: string, transport: Transport): Promise<LoadCaller & { close(): Promise<void> }> {
  const client = new Client({ name: 'load', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(transport);
  return {
    name,
    async call(id) {
      try {
        return endOf(await client.callTool({ name: toolFor(id), arguments: { id } }));
      } catch (error) {
        const { code } = ((error as { data?: unknown }).data ?? {}) as { code?: string };
        if (code === undefined) throw error;
        return code;
      }
    },
    close: () => client.close(),
  };
}

export const overWebSocket = (name: string, url: string, key: string) => overClient(name, connectWebSocket(url.replace('http', 'ws'), { key }) as Transport);

export const inProcess = (name: string, hub: Hub) =>
  overClient(name, connectInProcess(hub, inProcessPrincipal(name), { callTimeoutMs: times.callTimeoutMs }) as Transport);
