import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import * as one from '../server-1.ts';
import * as two from '../server-2.ts';

const servers = [
  ['2.x', () => two.createServer()],
  ['1.x', () => one.createServer()],
] as const;

describe.each(servers)("guardian's tools on a server of SDK %s", (_line, createServer) => {
  it('stand beside its own, and answer', async () => {
    const server = await createServer();
    const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
    await server.connect(serverSide as never);
    const client = new Client({ name: 'c', version: '1' });
    await client.connect(clientSide);
    expect((await client.listTools()).tools.map(({ name }) => name).sort()).toEqual(['request_permission', 'revoke_token', 'validate_token', 'your_tool']);
    const ask = (resource_type: string) =>
      client.callTool({ name: 'request_permission', arguments: { agent_id: 'data_analyst', resource_type, justification: 'Q4 analysis task' } });
    expect(await ask('SAP_API')).toMatchObject({ structuredContent: { granted: true } });
    expect(await ask('DATA_EXPORT')).toMatchObject({ structuredContent: { granted: false } });
    expect(await ask('NOPE')).toMatchObject({ isError: true });
    await client.close();
  });
});
