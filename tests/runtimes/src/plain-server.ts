import { type Hub, inProcessPrincipal } from '@meshwork/core';
import { type ConnectionFacts, connectInProcess, createFetchHandler } from '@meshwork/transports/fetch';
import { Client } from '@modelcontextprotocol/client';
import { authenticator, createWorld } from './world.ts';

/** A hub behind its handler, with two paths beside it for the tests: they close the handler, and use the hub from inside the runtime. */
export function createPlainServer() {
  const hub = createWorld();
  const handler = createFetchHandler(hub, { authenticator, maxBodyBytes: 10_000 });
  return {
    async serve(request: Request, facts?: ConnectionFacts): Promise<Response> {
      const { pathname } = new URL(request.url);
      if (pathname === '/in-process') return Response.json(await toolsInProcess(hub));
      if (pathname !== '/close') return handler(request, facts);
      await handler.close();
      return new Response('closed');
    },
    async close(): Promise<void> {
      await handler.close();
      await hub.close();
    },
  };
}

async function toolsInProcess(hub: Hub): Promise<string[]> {
  const client = new Client({ name: 'inside', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(connectInProcess(hub, inProcessPrincipal('inside')));
  const { tools } = await client.listTools();
  await client.close();
  return tools.map(({ name }) => name);
}
