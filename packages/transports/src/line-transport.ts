import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import { parseBody } from './read-body.ts';

export interface LineTransportOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** Largest message, in bytes. A longer line is refused and skipped. */
  readonly maxMessageBytes: number;
  /** Called once, when the input has ended or the transport was closed. */
  readonly onEnd: () => void;
}

/** JSON-RPC messages as lines of strict JSON (MCP 2026-07-28, stdio), over any pair of streams. */
export function createLineTransport({ input, output, maxMessageBytes, onEnd }: LineTransportOptions): Transport {
  let pending: Buffer[] = [];
  let size = 0;
  let skipping = false;
  let closed = false;

  const refuse = (message: string) => {
    output.write(`${JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32700, message } })}\n`);
    transport.onerror?.(new Error(message));
  };
  const take = (line: Buffer) => {
    if (line.length === 0 || (line.length === 1 && line[0] === 0x0d)) return;
    const body = parseBody(line);
    if (body.ok) transport.onmessage?.(body.value as JSONRPCMessage);
    else refuse(body.message);
  };
  const onData = (chunk: Buffer) => {
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      const line = Buffer.concat([...pending, rest.subarray(0, end)]);
      rest = rest.subarray(end + 1);
      pending = [];
      size = 0;
      if (skipping) skipping = false;
      else if (line.length > maxMessageBytes) refuse(`the message is larger than ${maxMessageBytes} bytes`);
      else take(line);
    }
    if (skipping || rest.length === 0) return;
    pending.push(rest);
    size += rest.length;
    if (size <= maxMessageBytes) return;
    pending = [];
    size = 0;
    skipping = true;
    refuse(`the message is larger than ${maxMessageBytes} bytes`);
  };
  const close = async () => {
    if (closed) return;
    closed = true;
    input.off('data', onData);
    input.pause();
    transport.onclose?.();
    onEnd();
  };

  const transport: Transport = {
    async start() {
      input.on('data', onData);
      input.once('end', () => void close());
      input.once('close', () => void close());
      input.on('error', (error) => transport.onerror?.(error));
      output.on('error', () => void close());
    },
    send(message) {
      return new Promise((resolve) => {
        if (output.write(`${JSON.stringify(message)}\n`)) resolve();
        else output.once('drain', resolve).once('close', resolve);
      });
    },
    close,
  };
  return transport;
}
