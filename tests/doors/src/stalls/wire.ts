const meta = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';

/** A call of revision 2026-07-28 as JSON; the arguments as they stand. */
export function callBody(tool: string, argumentsText = '{}'): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(tool)},"arguments":${argumentsText},${meta}}}`);
}

interface Shown {
  readonly credential: string;
  /** Set for MCP, whose headers name the tool. */
  readonly tool?: string;
}

/** A request whose connection ends with its answer. */
export function post(path: string, { credential, tool }: Shown, body: Buffer | string): Buffer {
  const name = tool === undefined || /^[\x21-\x7e]+$/.test(tool) ? tool : `=?base64?${Buffer.from(tool).toString('base64')}?=`;
  const headers = {
    host: '127.0.0.1',
    connection: 'close',
    authorization: `Bearer ${credential}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': Buffer.byteLength(body),
    ...(name !== undefined && { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name }),
  };
  return Buffer.concat([head('POST', path, headers), Buffer.from(body)]);
}

/** The request for a WebSocket. */
export function upgrade(credential: string): Buffer {
  return head('GET', '/mcp', {
    host: '127.0.0.1',
    authorization: `Bearer ${credential}`,
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  });
}

/** A client's text frame under a mask of zeros (RFC 6455, section 5.2). */
export function framed(payload: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(payload.length));
  return Buffer.concat([Buffer.from([0x81, 0x80 | 127]), length, Buffer.alloc(4), payload]);
}

function head(method: string, path: string, headers: Readonly<Record<string, string | number>>): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
}
