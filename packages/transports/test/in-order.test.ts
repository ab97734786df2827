import { fileURLToPath } from 'node:url';
import { connectInProcess, inOrder } from '@meshwork/transports';
import { Client, InMemoryTransport, type Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { alice, testHub } from './world.ts';

const program = {
  command: process.execPath,
  args: ['--conditions=@meshwork/source', fileURLToPath(new URL('./stdio-hub.ts', import.meta.url))],
  stderr: 'inherit' as const,
};

interface Caller {
  callTool(options: { onprogress: () => void }): Promise<unknown>;
  close(): Promise<void>;
}

async function newCaller(transport: Transport, mode: 'auto' | 'legacy'): Promise<Caller> {
  const client = new Client({ name: 'new', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return { callTool: (options) => client.callTool({ name: 'steps', arguments: {} }, options), close: () => client.close() };
}

async function oldCaller(): Promise<Caller> {
  const client = new OldClient({ name: 'old', version: '1.0.0' });
  await client.connect(inOrder(new OldStdio(program)));
  return { callTool: (options) => client.callTool({ name: 'steps', arguments: {} }, CallToolResultSchema, options), close: () => client.close() };
}

describe('a client that hears things in order', () => {
  it.each([
    ['revision 2026-07-28 over stdio', () => newCaller(inOrder(new StdioClientTransport(program)), 'auto')],
    ['a 2025 revision over stdio', () => newCaller(inOrder(new StdioClientTransport(program)), 'legacy')],
    ['the 1.x client over stdio', oldCaller],
    ['in process', () => newCaller(connectInProcess(testHub(), alice), 'auto')],
  ])('hears of all progress of 200 calls: %s', { timeout: 60_000 }, async (_what, connect) => {
    const caller = await connect();
    let heard = 0;
    const onprogress = () => {
      heard++;
    };
    for (let batch = 0; batch < 10; batch++) await Promise.all(Array.from({ length: 20 }, () => caller.callTool({ onprogress })));
    expect(heard).toBe(600);
    await caller.close();
  });

  it('goes on after a handler that throws, and keeps the end for last', async () => {
    const [near, far] = InMemoryTransport.createLinkedPair();
    const heard: unknown[] = [];
    const transport = inOrder(near);
    transport.onerror = (error) => heard.push(error.message);
    transport.onmessage = (message) => {
      heard.push('method' in message ? message.method : 'answer');
      if ('method' in message && message.method === 'first') throw new Error('broken');
    };
    transport.onclose = () => heard.push('closed');
    await transport.start();
    await far.start();
    for (const method of ['first', 'second']) void far.send({ jsonrpc: '2.0', method });
    void far.send({ jsonrpc: '2.0', id: 1, result: {} });
    void far.close();
    await expect.poll(() => heard).toEqual(['first', 'broken', 'second', 'answer', 'closed']);
  });

  it('gives back the handler that was set, so that clients can put another before it', async () => {
    const [near, far] = InMemoryTransport.createLinkedPair();
    const heard: string[] = [];
    const transport = inOrder(near);
    transport.onmessage = () => heard.push('inner');
    const inner = transport.onmessage;
    transport.onmessage = (message) => {
      heard.push('outer');
      inner?.(message);
    };
    await transport.start();
    await far.send({ jsonrpc: '2.0', method: 'x' });
    await expect.poll(() => heard).toEqual(['outer', 'inner']);
    expect(inOrder(near)).toBe(near);
  });
});
