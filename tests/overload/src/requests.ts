const REVISION = '2026-07-28';

export interface MessageOptions {
  readonly id?: number | string;
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** A request of revision 2026-07-28, as JSON text. */
export function requestText(method: string, params: Readonly<Record<string, unknown>>, { id = 1, meta = {} }: MessageOptions = {}): string {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': REVISION,
    'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
    ...meta,
  };
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } });
}

export function callText(name: string, args: Readonly<Record<string, unknown>>, options?: MessageOptions): string {
  return requestText('tools/call', { name, arguments: args }, options);
}

/** The headers that have to agree with such a request over HTTP. */
export function requestHeaders(key: string, method: string, name?: string): Record<string, string> {
  return {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': REVISION,
    'mcp-method': method,
    ...(name !== undefined && { 'mcp-name': name }),
  };
}

/** A request to open a session of a 2025 revision. */
export const initializeText = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'old', version: '1.0.0' } },
});

/** A request as bytes on the wire. */
export function rawRequest(url: string, method: string, headers: Readonly<Record<string, string>>, body = ''): string {
  const { pathname, search } = new URL(url);
  const lines = Object.entries({ host: '127.0.0.1', ...headers, ...(body !== '' && { 'content-length': String(Buffer.byteLength(body)) }) });
  return `${method} ${pathname}${search} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}
