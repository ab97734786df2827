import { createHub, createMemoryStore } from '@meshwork/core';
import { createEvents } from '@meshwork/events';
import { connectWebSocket, serveHttp } from '@meshwork/transports';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { expect, it } from 'vitest';
import { ana, until } from './support/world.ts';

const faces = [
  ['HTTP, revision 2026-07-28', 'auto', (url: string) => new StreamableHTTPClientTransport(new URL(url))],
  ['HTTP, a 2025 revision', 'legacy', (url: string) => new StreamableHTTPClientTransport(new URL(url))],
  ['WebSocket', 'auto', (url: string) => connectWebSocket(url.replace('http', 'ws'))],
] as const;

it.each(faces)(
  'a client over %s hears that its subscription has something, takes it and acknowledges it',
  { timeout: 20_000 },
  async (_what, mode, connect) => {
    const store = createMemoryStore();
    const events = createEvents({ journal: store, store });
    const hub = createHub({ modules: [events] });
    const server = await serveHttp(hub, { port: 0, authenticator: { everybody: ana } });
    const client = new Client({ name: 'c', version: '1' }, { versionNegotiation: { mode } });
    const heard: string[] = [];
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri));
    await client.connect(connect(server.url) as never);
    const use = async (args: object) => (await client.callTool({ name: 'event_subscribe', arguments: { name: 'mine', ...args } })).structuredContent;

    await use({ action: 'save', filter: { types: ['task.*'] } });
    const uris = ['events://subscription/mine', 'events://recent'];
    if (mode === 'auto') await client.listen({ resourceSubscriptions: uris });
    else for (const uri of uris) await client.subscribeResource({ uri });
    await until(async () => {
      await events.publish({ type: 'task.done', owner: 'ana', data: { id: 't1' } });
      return uris.every((uri) => heard.includes(uri));
    });
    const { events: taken } = (await use({ action: 'take' })) as { events: { offset: number; event: { type: string } }[] };
    expect(taken[0]).toMatchObject({ offset: 1, event: { type: 'task.done', data: { id: 't1' } } });
    expect(await use({ action: 'acknowledge', offsets: [1] })).toMatchObject({ settled: 1 });
    await client.close();
    await server.close();
    await hub.close();
  },
);
