import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { type JsonCaps, parseBody } from '../http/read-body.ts';
import { type RecordFrame, refuseFrame } from './frame-refusals.ts';
import { createOutlet } from './outlet.ts';
import type { Wire } from './wire.ts';

export interface LineTransportOptions extends JsonCaps {
  readonly input: Readable;
  readonly output: Writable;
  /** Largest message, in bytes. A longer line is refused and skipped. */
  readonly maxMessageBytes: number;
  /** Bytes that may wait for the other end to read them before it is cut. Default 4 MiB. */
  readonly maxQueuedBytes?: number;
  /** Milliseconds after which an other end that reads nothing is cut. Default 30,000. */
  readonly stallMs?: number;
  /**
   * What happens to a line that is no JSON: it is answered with an error (a server, the default) or only reported (a client). `cut-opening`
   * answers too, but ends a connection whose first line is one: what speaks another protocol, such as a browser, gets no further.
   */
  readonly garbage?: 'answer' | 'report' | 'cut-opening';
  /** Records lines that are refused. */
  readonly record?: RecordFrame | undefined;
  /** Called once, when the input has ended, the other end was cut or the transport was closed. */
  readonly onEnd: () => void;
}

/** Lines, and whether one with a message has come yet. */
export interface LineTransport extends Wire {
  readonly greeted: boolean;
}

/** JSON-RPC messages as lines of strict JSON (MCP 2026-07-28, stdio), over any pair of streams. */
export function createLineTransport(options: LineTransportOptions): LineTransport {
  const { input, output, maxMessageBytes, maxQueuedBytes = 4 * 2 ** 20, stallMs = 30_000, garbage = 'answer', jsonLimits, record, onEnd } = options;
  let pending: Buffer[] = [];
  let size = 0;
  let skipping = false;
  let closed = false;
  let opened = false;
  let ending = false;

  const outlet = createOutlet({
    writable: output,
    maxQueuedBytes,
    stallMs,
    onCut: (reason) => {
      transport.onerror?.(new Error(`the other end was cut off: ${reason}`));
      output.destroy();
      void close();
    },
  });
  const write = (line: string) => {
    if (!closed && outlet.admits()) output.write(line);
  };
  const refuse = (message: string) => {
    transport.onerror?.(new Error(message));
    if (garbage === 'report') return;
    const isLast = garbage === 'cut-opening' && !opened;
    ending = isLast;
    refuseFrame(record, message, (text) => {
      write(`${text}\n`);
      if (isLast) void close();
    });
  };
  const take = (line: Buffer) => {
    if (line.length === 0 || (line.length === 1 && line[0] === 0x0d)) return;
    const body = parseBody(line, jsonLimits);
    if (!body.ok) return refuse(body.message);
    opened = true;
    transport.onmessage?.(body.value as JSONRPCMessage);
  };
  const onData = (chunk: Buffer) => {
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end !== -1 && !closed && !ending; end = rest.indexOf(0x0a)) {
      const line = Buffer.concat([...pending, rest.subarray(0, end)]);
      rest = rest.subarray(end + 1);
      pending = [];
      size = 0;
      if (skipping) skipping = false;
      else if (line.length > maxMessageBytes) refuse(`the message is larger than ${maxMessageBytes} bytes`);
      else take(line);
    }
    if (skipping || closed || ending || rest.length === 0) return;
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

  const transport: LineTransport = {
    get greeted() {
      return opened;
    },
    async start() {
      input.on('data', onData);
      input.once('end', () => void close());
      input.once('close', () => void close());
      input.on('error', (error) => transport.onerror?.(error));
      output.on('error', () => void close());
    },
    send(message) {
      write(`${JSON.stringify(message)}\n`);
      return outlet.caughtUp();
    },
    sendText: (text) => write(`${text}\n`),
    pause: () => void input.pause(),
    resume: () => void (closed || input.resume()),
    get behind() {
      return outlet.behind;
    },
    caughtUp: () => outlet.caughtUp(),
    close,
  };
  return transport;
}
