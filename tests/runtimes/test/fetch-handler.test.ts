import type { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startDeno } from './deno.ts';
import { connect, plainCall, post } from './requests.ts';
import { startWorker } from './workerd.ts';

interface Server {
  readonly url: string;
  stop(): Promise<unknown>;
}

const runtimes: readonly (readonly [string, () => Promise<Server>])[] = [
  ['Deno', () => startDeno('plain')],
  ['workerd', () => startWorker('src/plain-worker.ts')],
  ['workerd, in a Durable Object', () => startWorker('src/durable-worker.ts')],
];

describe.each(runtimes)('the fetch handler under %s', (runtime, start) => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
  });
  const call = async (name: string, args?: object) => JSON.parse((await post(server.url, plainCall(name, args))).text).result.structuredContent;

  describe.each([
    ['revision 2026-07-28', { pin: '2026-07-28' }],
    ['a 2025 revision', 'legacy'],
  ] as const)('serves the SDK’s client in %s, which', (_revision, mode) => {
    let client: Client;
    beforeAll(async () => {
      client = await connect(server.url, 'alice-key', { mode });
    });
    afterAll(() => client?.close());

    it('lists the tools', async () => {
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['greet', 'note', 'steps', 'wait', 'waits', 'whoami']);
    });

    it('calls one, and reads what it has kept', async () => {
      const text = `kept in ${JSON.stringify(mode)} €🙂`;
      expect(await client.callTool({ name: 'note', arguments: { text } })).toMatchObject({ structuredContent: { revision: expect.any(Number) } });
      expect((await client.readResource({ uri: 'note://last' })).contents).toMatchObject([{ text: JSON.stringify({ text }) }]);
    });

    it('hears how far a call is', async () => {
      const heard: number[] = [];
      const answer = await client.callTool({ name: 'steps', arguments: {} }, { onprogress: ({ progress }) => heard.push(progress) });
      expect(answer).toMatchObject({ content: [{ text: 'done' }] });
      expect(heard).toEqual([1, 2, 3]);
    });

    it('is asked a question, and answers', async () => {
      const ask = (timeout: number) => client.callTool({ name: 'greet', arguments: {} }, { timeout });
      // In a Worker outside of a Durable Object no request may go on with what another began, as the questions of the 2025 revisions need.
      if (runtime === 'workerd' && mode === 'legacy') await expect(ask(1_000)).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
      else expect(await ask(20_000)).toMatchObject({ content: [{ text: 'hello Ada' }] });
    });

    it('gets an error for an unknown tool', async () => {
      await expect(client.callTool({ name: 'nope', arguments: {} })).rejects.toMatchObject({ code: -32602 });
    });
  });

  it('serves a client inside the runtime', async () => {
    expect(await (await fetch(new URL('/in-process', server.url))).json()).toContain('whoami');
  });

  it('answers a plain call without the SDK', async () => {
    const { status, text } = await post(server.url, plainCall('whoami'));
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0', id: 1, result: { structuredContent: { id: 'alice' } } });
  });

  it('knows of the connection what its caller says, and believes no header', async () => {
    const { headers, body } = plainCall('whoami');
    const forged = { 'cf-connecting-ip': '127.0.0.1', 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' };
    const who = JSON.parse((await post(server.url, { headers: { ...headers, ...forged }, body })).text).result.structuredContent;
    expect(who).toEqual(runtime === 'Deno' ? { id: 'alice', zone: 'local', address: '127.0.0.1' } : { id: 'alice', zone: 'external' });
  });

  it.each([
    ['a wrong key', { authorization: 'Bearer mallory-key' }, 401],
    ['no key', { authorization: '' }, 401],
    ['a foreign Host', { host: 'evil.example' }, 403],
    ['a foreign Origin', { origin: 'https://evil.example' }, 403],
  ])('refuses %s', async (_what, wrong, status) => {
    const { headers, body } = plainCall('whoami');
    const answer = await post(server.url, { headers: { ...headers, ...wrong }, body });
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.challenge).toMatch(/^Bearer realm="meshwork"/);
  });

  it.each([
    ['that says how long it is', (body: string) => ({ 'content-length': String(body.length) })],
    ['that does not say', () => ({ 'transfer-encoding': 'chunked' })],
  ])('refuses a body over the cap %s, and answers the next', async (_what, length) => {
    const { headers, body } = plainCall('note', { text: 'x'.repeat(50_000) });
    expect(await post(server.url, { headers: { ...headers, ...length(body) }, body })).toMatchObject({ status: 413 });
    expect(await post(server.url, plainCall('whoami'))).toMatchObject({ status: 200 });
  });

  it('cancels a call whose caller hangs up', async () => {
    const { begun, cancelled } = await call('waits');
    const hangUp = new AbortController();
    const answer = post(server.url, plainCall('wait'), hangUp.signal);
    await vi.waitFor(async () => expect((await call('waits')).begun).toBe(begun + 1), 10_000);
    hangUp.abort();
    await expect(answer).rejects.toThrow();
    await vi.waitFor(async () => expect((await call('waits')).cancelled).toBe(cancelled + 1), 10_000);
  });

  it('tells who listens what has changed, until the handler closes', async () => {
    const client = await connect(server.url, 'alice-key');
    const heard: string[] = [];
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri));
    const subscription = await client.listen({ resourceSubscriptions: ['note://last'] });
    await call('note', { text: 'changed' });
    await vi.waitFor(() => expect(heard).toEqual(['note://last']), 10_000);
    expect(await (await fetch(new URL('/close', server.url))).text()).toBe('closed');
    await subscription.closed;
    await client.close();
  });

  it('leaves nothing behind that keeps the runtime from ending', async () => {
    expect(await server.stop()).toBe(runtime === 'Deno' ? 0 : undefined);
  });
});
