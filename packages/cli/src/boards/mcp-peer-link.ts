import { EXCHANGE_TOOL, type PeerLink } from '@meshwork/blackboard';
import { type IdSource, randomIds, UnavailableError } from '@meshwork/core';
import { type CallToolResult, Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createTrustingFetch, type FetchLike } from '../trusting-fetch.ts';
import { version } from '../version.ts';
import { createOutbox } from './outbox.ts';
import { createTickets } from './tickets.ts';

export interface McpPeerLinkOptions {
  /** The peer's name, as this hub knows it. */
  readonly peer: string;
  /** Its MCP endpoint. */
  readonly url: string;
  /** A key of the agent that this hub is to the peer. */
  readonly key?: string;
  /** For a peer whose certificate this machine does not know by itself. Default {@link createTrustingFetch}. */
  readonly fetch?: FetchLike;
  /** Milliseconds a call may take. Default 10,000. */
  readonly timeoutMs?: number;
  /** Requests under way at once. Default 4. */
  readonly maxConcurrent?: number;
  readonly ids?: IdSource;
}

/** Bytes in one call: as base64 they fit into what hubs take as one text. */
const PART_BYTES = 180_000;

type Arguments = Record<string, unknown>;

/** A link to a hub that serves `peerExchange`, over MCP and HTTP. It connects when it is used, and again after every failure. */
export function createMcpPeerLink(options: McpPeerLinkOptions): PeerLink & AsyncDisposable {
  const { peer, url, key, fetch = createTrustingFetch(), timeoutMs = 10_000, maxConcurrent = 4, ids = randomIds } = options;
  const closing = new AbortController();
  const tickets = createTickets(maxConcurrent);
  let connected: Promise<Client> | undefined;

  const connection = () => {
    connected ??= connect({ url, key, fetch, timeoutMs });
    return connected;
  };
  const lose = async (lost: Promise<Client>) => {
    if (connected === lost) connected = undefined;
    await lost.then((client) => client.close()).catch(() => {});
  };
  const call = async (args: Arguments, signal: AbortSignal): Promise<Uint8Array | undefined> => {
    closing.signal.throwIfAborted();
    const attempt = connection();
    let result: CallToolResult;
    try {
      const client = await attempt;
      // Not `callTool`, which looks up in its cache what the tool's definition demands: this one is known here.
      result = await client.request({ method: 'tools/call', params: { name: EXCHANGE_TOOL, arguments: args } }, { signal, timeout: timeoutMs });
    } catch (cause) {
      await lose(attempt);
      // Closing the link closes the client, which ends what is under way: no signal of both is needed.
      closing.signal.throwIfAborted();
      signal.throwIfAborted();
      throw new UnavailableError(`the peer ${peer} at ${url} cannot be reached: ${reasonOf(cause)}`, { cause });
    }
    const { code, message, answer } = (result.structuredContent ?? {}) as { code?: string; message?: string; answer?: string };
    if (result.isError) throw new UnavailableError(`the peer ${peer} at ${url} refuses (${code}): ${message}`);
    return answer === undefined ? undefined : Buffer.from(answer, 'base64');
  };
  /** Sends a message whole or in parts. */
  const deliver = async (message: Uint8Array, wrap: (text: string) => Arguments, signal: AbortSignal) => {
    const count = Math.ceil(message.length / PART_BYTES);
    if (count <= 1) return call(wrap(base64(message)), signal);
    const id = ids('part');
    let answer: Uint8Array | undefined;
    for (let index = 0; index < count; index += 1) {
      const piece = message.subarray(index * PART_BYTES, (index + 1) * PART_BYTES);
      answer = await call({ ...wrap(base64(piece)), part: { id, index, count } }, signal);
    }
    return answer;
  };
  const outbox = createOutbox(async (messages) => {
    const [only] = messages;
    if (messages.length === 1 && only !== undefined) await deliver(only, (text) => ({ tell: [text] }), closing.signal);
    else await call({ tell: messages.map(base64) }, closing.signal);
  }, PART_BYTES);

  return {
    peer,
    async request(message, { signal }) {
      using _ticket = await tickets.take(signal);
      const answer = await deliver(message, (text) => ({ ask: text }), signal);
      if (answer === undefined) throw new UnavailableError(`the peer ${peer} at ${url} gave no answer`);
      return answer;
    },
    send: (message) => outbox.put(message),
    async [Symbol.asyncDispose]() {
      closing.abort(new UnavailableError(`the link to ${peer} is closed`));
      outbox.close();
      if (connected !== undefined) await lose(connected);
    },
  };
}

interface Connecting {
  readonly url: string;
  readonly key: string | undefined;
  readonly fetch: FetchLike;
  readonly timeoutMs: number;
}

async function connect({ url, key, fetch, timeoutMs }: Connecting): Promise<Client> {
  const client = new Client({ name: 'meshwork-hub', version }, { versionNegotiation: { mode: 'auto' } });
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, fetch }), { timeout: timeoutMs });
  return client;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
}
