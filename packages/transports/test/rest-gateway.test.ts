import { defineTool, type Module, NotFoundError, type Resource } from '@meshwork/core';
import type { TrafficMeter } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { withRest } from './rest-world.ts';

const counts = '{"connections":{"current":0}}';
const exposition = '# HELP x y\nx 1\n';

/** What telemetry brings, in its shape. */
function telemetry({ status = 'healthy' } = {}): Module {
  const resource = (uri: string, contents: { mimeType: string; text: string }[]): Resource => ({
    uri,
    name: uri,
    read: () => ({ contents: contents.map((each) => ({ uri, ...each })) }),
  });
  return {
    name: 'telemetry',
    resources: [
      resource('health://hub', [{ mimeType: 'application/json', text: JSON.stringify({ status, tools: 3 }) }]),
      resource('metrics://hub', [
        { mimeType: 'application/json', text: counts },
        { mimeType: 'text/plain; version=0.0.4; charset=utf-8', text: exposition },
      ]),
    ],
  };
}

describe('health over REST', () => {
  it.each(['/mcp/health', '/health'])('at %s is short without a key and whole with one', (path) =>
    withRest(
      async ({ origin, send }) => {
        const open = await fetch(origin + path);
        expect([open.status, await open.json()]).toEqual([200, { status: 'healthy' }]);
        expect((await fetch(origin + path, { method: 'HEAD' })).status).toBe(200);
        expect(await (await send(path)).json()).toEqual({ status: 'healthy', tools: 3 });
        expect((await fetch(origin + path, { headers: { 'x-api-key': 'mallory' } })).status).toBe(401);
        expect((await fetch(origin + path, { method: 'POST' })).status).toBe(401);
      },
      { modules: [telemetry()] },
    ),
  );

  it('is short on a hub that brings no more', () =>
    withRest(async ({ send }) => expect(await (await send('/mcp/health')).json()).toEqual({ status: 'healthy' })));

  it('is 503 from when the application begins to close', () => {
    const closing = new AbortController();
    return withRest(
      async ({ origin, send }) => {
        closing.abort();
        const open = await fetch(`${origin}/mcp/health`);
        expect([open.status, await open.json()]).toEqual([503, { status: 'closing' }]);
        expect((await send('/mcp/health')).status).toBe(503);
      },
      { modules: [telemetry({ status: 'closing' })], closing: closing.signal },
    );
  });

  it('is closing for a key too once the hub takes no more calls', () =>
    withRest(
      async ({ hub, send }) => {
        await hub.close();
        const answer = await send('/mcp/health');
        expect([answer.status, await answer.json()]).toEqual([503, { status: 'closing' }]);
      },
      { modules: [telemetry()] },
    ));
});

describe('metrics over REST', () => {
  it.each([
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['application/json', 'application/json'],
    ['text/plain', 'text/plain'],
    ['text/*;q=0.9, application/json;q=0.5', 'text/plain'],
    ['application/json;q=0.4, text/plain;q=0.4', 'application/json'],
    ['text/plain;q=0, */*', 'application/json'],
    ['application/json;q=0, */*', 'text/plain'],
    ['*/*;q=0.1, text/plain;version=0.0.4;q=0.3', 'text/plain'],
    ['application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'text/plain'],
    ['application/json;q=2, text/plain;q=0.1', 'text/plain'],
  ])('to whoever accepts %s come as %s', (accept, type) =>
    withRest(
      async ({ send }) => {
        const answer = await send('/mcp/metrics', { headers: { accept: accept ?? '' } });
        expect(answer.headers.get('content-type')?.split(';')[0]).toBe(type);
        expect(await answer.text()).toBe(type === 'text/plain' ? exposition : counts);
      },
      { modules: [telemetry()] },
    ),
  );

  it.each(['image/png', '*/*;q=0', 'text/plain;q=x'])('have nothing for whoever accepts %s', (accept) =>
    withRest(async ({ send }) => expect((await send('/mcp/metrics', { headers: { accept } })).status).toBe(406), { modules: [telemetry()] }),
  );

  it('need a key', () => withRest(async ({ origin }) => expect((await fetch(`${origin}/mcp/metrics`)).status).toBe(401), { modules: [telemetry()] }));

  it.each([
    ['/mcp/metrics', '@meshwork/telemetry'],
    ['/mcp/agents', 'presenceModule'],
  ])('and the like say at %s who brings what is not there', (path, module) =>
    withRest(async ({ send }) => {
      const answer = await send(path);
      expect(answer.status).toBe(404);
      expect((await answer.json()).detail).toContain(module);
    }),
  );
});

describe('the version', () => {
  it('is told to whoever has a key', () =>
    withRest(async ({ origin, send }) => {
      expect(await (await send('/version')).json()).toEqual({ name: 'test', version: '1.2.3' });
      expect((await fetch(`${origin}/version`)).status).toBe(401);
    }));
});

describe('operations over REST', () => {
  const tool = (name: string, run: (args: { id?: string | undefined; status?: string | undefined; responses?: unknown }) => Record<string, unknown>) =>
    defineTool({
      name,
      description: name,
      category: 'operations',
      effect: 'write',
      input: z.object({ id: z.string().optional(), status: z.string().optional(), responses: z.unknown().optional() }),
      output: z.looseObject({}),
      run,
    });
  const operations: Module = {
    name: 'operations',
    tools: [
      tool('operation_list', ({ status }) => ({ operations: [], status })),
      tool('operation_get', ({ id }) => {
        if (id !== 'op_1') throw new NotFoundError(`there is no operation ${id}`);
        return { id, status: 'working' };
      }),
      tool('operation_cancel', ({ id }) => ({ id, status: 'cancelled' })),
      tool('operation_answer', ({ id, responses }) => ({ id, responses })),
    ],
  };

  it('are the operation tools', () =>
    withRest(
      async ({ send, post }) => {
        expect(await (await send('/api/operations')).json()).toEqual({ operations: [] });
        expect(await (await send('/api/operations?status=working')).json()).toEqual({ operations: [], status: 'working' });
        expect(await (await send('/api/operations/op_1')).json()).toEqual({ id: 'op_1', status: 'working' });
        expect(await (await send('/api/operations/op_1', { method: 'DELETE' })).json()).toEqual({ id: 'op_1', status: 'cancelled' });
        const responses = { name: { action: 'accept', content: { name: 'Ada' } } };
        expect(await (await post('/api/operations/op_1/input', responses)).json()).toEqual({ id: 'op_1', responses });
        expect(await (await send('/api/operations/op_2')).json()).toMatchObject({ status: 404, code: 'NOT_FOUND' });
      },
      { modules: [operations] },
    ));

  it('are not there on a hub that keeps none', () =>
    withRest(async ({ send }) =>
      expect(await (await send('/api/operations')).json()).toMatchObject({ status: 404, detail: expect.stringContaining('operation_list') }),
    ));
});

describe('the meter', () => {
  it('hears of requests and answers on every face', async () => {
    const heard: string[] = [];
    const meter: TrafficMeter = {
      connectionOpened: (face) => {
        heard.push(`${face} opened`);
        return () => void heard.push(`${face} closed`);
      },
      messageReceived: (face) => void heard.push(`${face} received`),
      messageSent: (face) => void heard.push(`${face} sent`),
      messageFailed: (face) => void heard.push(`${face} failed`),
    };
    await withRest(
      async ({ origin, send, post }) => {
        await post('/mcp/tools/whoami');
        await post('/mcp/tools/nope');
        await fetch(`${origin}/mcp/tools`);
        await post('/mcp', {
          jsonrpc: '2.0',
          id: 1,
          method: 'initialize',
          params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
        });
        await send('/nothing/here');
        expect(heard).toEqual(['rest received', 'rest sent', 'rest received', 'rest failed', 'rest received', 'rest failed', 'mcp received', 'mcp failed']);
        heard.length = 0;
        const leaving = new AbortController();
        const stream = await send('/sse', { signal: leaving.signal });
        expect(stream.status).toBe(200);
        leaving.abort();
        await expect.poll(() => heard).toEqual(['sse received', 'sse opened', 'sse sent', 'sse closed']);
      },
      { meter },
    );
  });
});
