import { connect, type Socket } from 'node:net';

export interface SlowClientOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly key: string;
}

/** What a slow client sends at once, and what it does, every so often, for as long as it is connected. */
interface SlowClient {
  readonly opening: string;
  readonly everyMs?: number;
  readonly again?: (socket: Socket) => void;
  /** It takes nothing that it does not read itself. */
  readonly isPaused?: boolean;
}

/** Bytes of an answer that nobody takes: more than the system keeps for its reader, so that the hub has to. */
const ANSWER_BYTES = 700_000;
/** What a slow reader takes at a time: enough, and often enough, that the system tells the hub, which cuts those that take nothing. */
const SIP_BYTES = 65_536;

/** Ways to hold a connection. Each costs a hub something else: a head, a body, an answer, a place, a session. */
export const slowClients = {
  'half-sent heads': ({ path }) => ({
    opening: `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n`,
    everyMs: 2_000,
    again: (socket) => socket.write('x-more: 1\r\n'),
  }),
  'half-sent bodies': (options) => ({
    opening: `${head(options, 'echo', 100_000)}{"jsonrpc":"2.0",`,
    everyMs: 2_000,
    again: (socket) => socket.write(' '.repeat(100)),
  }),
  'slow readers': (options) => {
    const params = { name: 'big', arguments: { bytes: ANSWER_BYTES }, _meta };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    return { opening: head(options, 'big', body.length) + body, everyMs: 15_000, again: (socket) => socket.read(SIP_BYTES), isPaused: true };
  },
  'idle connections': ({ path, key }) => ({ opening: `GET ${path}/health HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n\r\n` }),
  'idle WebSockets': ({ path, key }) => ({
    opening: `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  }),
} as const satisfies Readonly<Record<string, (options: SlowClientOptions) => SlowClient>>;

export type SlowClientName = keyof typeof slowClients;

/** Connects as a slow client. Resolves when it is in, with a promise of its end: hubs cut slow clients after a time. */
export function holdSlowly(name: SlowClientName, options: SlowClientOptions): Promise<{ readonly ended: Promise<void> }> {
  const { opening, everyMs, again, isPaused = false }: SlowClient = slowClients[name](options);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: options.host, port: options.port });
    const ended = new Promise<void>((end) => {
      socket.once('close', () => end());
    });
    socket.on('error', reject);
    socket.once('connect', () => {
      socket.write(opening);
      if (isPaused) socket.pause();
      else socket.resume();
      if (again !== undefined) {
        const timer = setInterval(() => again(socket), everyMs);
        socket.once('close', () => clearInterval(timer));
      }
      resolve({ ended });
    });
  });
}

const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };

function head({ path, key }: SlowClientOptions, tool: string, bytes: number): string {
  const headers = {
    host: '127.0.0.1',
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': tool,
    'content-length': String(bytes),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
