import { once } from 'node:events';
import { request } from 'node:http';
import { type Authenticator, createHub, defineResource, defineTool, type Principal, type Stage, toolAnswer, UnavailableError } from '@meshwork/core';
import { type ServeHttpOptions, serveHttp } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { modernRequest } from './world.ts';

const reader: Principal = { id: 'reader', kind: 'agent', roles: [], zone: 'local', trust: 0.9, method: 'oauth', actsFor: [], scopes: ['read'] };
const write = defineTool({
  name: 'write',
  description: 'Needs a scope that the caller lacks.',
  category: 'test',
  effect: 'write',
  input: z.strictObject({}),
  run: () => toolAnswer([]),
});
const page = defineResource({ uri: 'test://page', name: 'page', read: () => ({ text: 'x' }) });

async function serve(record: Stage, authenticator: Authenticator, options: Partial<ServeHttpOptions> = {}) {
  const hub = createHub({ modules: [{ name: 'test', tools: [write], resources: [page], stages: { record } }], scopesFor: () => ['write'] });
  return serveHttp(hub, { port: 0, authenticator, ...options });
}

describe('a token of too narrow a scope', () => {
  const everybody: Authenticator = { authenticate: async () => reader };
  const asked = [
    ['tools/call', { name: 'write', arguments: {} }],
    ['resources/read', { uri: 'test://page' }],
  ] as const;
  const statusOf = async (url: string, [method, params]: (typeof asked)[number]) => {
    const { headers, message } = modernRequest(method, params);
    return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(message) })).status;
  };

  it('is answered 403 when that is on record, and 503 when it cannot be', async () => {
    let isThere = true;
    const record: Stage = async (_step, next) => {
      const result = await next().catch((error) => error);
      if (!isThere) throw new UnavailableError('the audit store is away');
      if (result instanceof Error) throw result;
      return result;
    };
    await using server = await serve(record, everybody);
    for (const each of asked) expect([each[0], await statusOf(server.url, each)]).toEqual([each[0], 403]);
    isThere = false;
    for (const each of asked) expect([each[0], await statusOf(server.url, each)]).toEqual([each[0], 503]);
  });

  it('is answered 503 by the deadline of the call while the record hangs', async () => {
    const record: Stage = (_step, next) => next().then(() => new Promise(() => {}));
    await using server = await serve(record, everybody, { callTimeoutMs: 50 });
    for (const each of asked.slice(0, 1)) expect(await statusOf(server.url, each)).toBe(503);
  });
});

describe('an upgrade to WebSocket', () => {
  it('is answered 503, and not cut off, when nobody can be asked who it is and that cannot be recorded', async () => {
    const never = () => new Promise<never>(() => {});
    await using server = await serve((_step, next) => next(), { authenticate: never }, { admissionMs: 200, recorder: { refused: never } });
    const headers = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'x-api-key': 'k',
    };
    const sent = request(server.url, { headers });
    sent.end();
    const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(503);
  }, 30_000);
});
