import { request as httpRequest } from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

interface ConnectOptions {
  readonly mode?: 'legacy' | { pin: '2026-07-28' };
  readonly headers?: Record<string, string>;
}

/** The SDK's own client, which says its name is Ada when it is asked. */
export async function connect(url: string, key: string, { mode = { pin: '2026-07-28' }, headers = {} }: ConnectOptions = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode } });
  client.setRequestHandler('elicitation/create', async () => ({ action: 'accept' as const, content: { name: 'Ada' } }));
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { ...headers, authorization: `Bearer ${key}` } } }));
  return client;
}

/** A plain `tools/call` of revision 2026-07-28, as its headers and body. */
export function plainCall(name: string, args: object = {}): { readonly headers: Record<string, string>; readonly body: string } {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: 'Bearer alice-key',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, _meta } }),
  };
}

/**
 * Sends a request; `signal` hangs up. node:http, because fetch does not let a caller set Host, sends headers and body apart (Deno does not
 * notice then that a caller hangs up), and does not reset the connection (workerd does not notice otherwise).
 */
export function post(
  url: string,
  { headers, body }: ReturnType<typeof plainCall>,
  signal?: AbortSignal,
): Promise<{ status: number; challenge: unknown; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method: 'POST', headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, challenge: response.headers['www-authenticate'], text }));
    });
    signal?.addEventListener('abort', () => outgoing.socket?.resetAndDestroy());
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
