import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { ConflictError } from '@meshwork/core';
import { serveHttp } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { authenticator, modernRequest, testHub, withServer } from './world.ts';

/** node:http, because fetch does not let a caller set Host or Origin. */
function send(
  url: string,
  { method = 'POST', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string | Buffer },
): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const { headers: good, message } = modernRequest('tools/call', { name: 'echo', arguments: { text: 'hi' } });
const body = JSON.stringify(message);

describe('the door', () => {
  it.each([
    ['no credential', { authorization: '' }, 'Bearer realm="meshwork"'],
    ['an unknown key', { authorization: 'Bearer mallory' }, 'Bearer realm="meshwork", error="invalid_token"'],
    ['another scheme', { authorization: 'Basic YTpi' }, 'Bearer realm="meshwork"'],
  ])('answers %s with 401 and a challenge', (_what, wrong, challenge) =>
    withServer(async ({ url }) => {
      const answer = await send(url, { headers: { ...good, ...wrong }, body });
      expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': challenge } });
      expect(JSON.parse(answer.text).error.message).toMatch(/key/);
    }),
  );

  it('takes a key as X-API-Key too', () =>
    withServer(async ({ url }) => {
      const { authorization: _, ...rest } = good;
      expect(await send(url, { headers: { ...rest, 'x-api-key': 'alice-key' }, body })).toMatchObject({ status: 200 });
    }));

  it.each([
    ['a foreign Host', { host: 'evil.example' }],
    ['a Host that only begins well', { host: 'localhost.evil.example' }],
    ['a Host with a user', { host: 'localhost@evil.example' }],
    ['another address', { host: '10.0.0.1' }],
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['an opaque Origin', { origin: 'null' }],
    ['an Origin that only begins well', { origin: 'http://localhost.evil.example' }],
  ])('T13: answers %s with 403', (_what, wrong) =>
    withServer(async ({ url }) => {
      expect(await send(url, { headers: { ...good, ...wrong }, body })).toMatchObject({ status: 403 });
    }),
  );

  it('lets loopback pages and configured names in, with CORS', () =>
    withServer(
      async ({ url }) => {
        expect(await send(url, { headers: { ...good, origin: 'http://localhost:5173' }, body })).toMatchObject({
          status: 200,
          headers: { 'access-control-allow-origin': 'http://localhost:5173' },
        });
        expect(await send(url, { headers: { ...good, host: 'hub.example', origin: 'https://app.example' }, body })).toMatchObject({ status: 200 });
        expect(
          await send(url, { method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-headers': 'authorization' } }),
        ).toMatchObject({ status: 204 });
      },
      { allowedHosts: ['hub.example'], allowedOrigins: ['https://app.example'] },
    ));

  it('has nothing at other paths', () =>
    withServer(async ({ url }) => expect(await send(url.replace('/mcp', '/'), { headers: good, body })).toMatchObject({ status: 404 })));

  it('does not wait for connections on which nobody asks anything', { timeout: 4_000 }, async () => {
    const server = await serveHttp(testHub(), { port: 0, authenticator });
    const socket = connect(server.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    // An answer that has come shows that the server knows of the earlier connection too.
    await send(server.url, { headers: good, body });
    await server.close();
    socket.destroy();
  });

  it('says that a port is taken', () =>
    withServer(async ({ port }) => {
      await expect(serveHttp(testHub(), { port, authenticator })).rejects.toThrow(ConflictError);
    }));
});

describe('T19: bodies', () => {
  const withArguments = (text: string) => body.replace('{"text":"hi"}', text);
  it.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['a duplicate key', withArguments('{"text":"a","text":"b"}')],
    ['a duplicate key in the envelope', body.replace('"id":1', '"id":1,"id":2')],
    ['200 levels of nesting', withArguments(`{"text":${'['.repeat(200)}${']'.repeat(200)}}`)],
    ['a key named __proto__', withArguments('{"text":"a","__proto__":{"x":1}}')],
    ['a lone surrogate', withArguments('{"text":"\\ud800"}')],
    ['bytes that are no UTF-8', Buffer.concat([Buffer.from(body.slice(0, 20)), Buffer.from([0xff, 0xfe]), Buffer.from(body.slice(20))])],
  ])('with %s are refused with a reason', (_what, wrong) =>
    withServer(async ({ url }, hub) => {
      let calls = 0;
      hub.events.on('call-finished', () => {
        calls += 1;
      });
      const answer = await send(url, { headers: good, body: wrong });
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text)).toMatchObject({ jsonrpc: '2.0', error: { code: -32700, message: expect.any(String) } });
      expect(calls).toBe(0);
    }),
  );

  it.each(['null', '0', '"x"', 'true', '[]', '[null]'])('that are JSON but no message are refused with a reason: %s', (wrong) =>
    withServer(async ({ url }) => {
      const answer = await send(url, { headers: good, body: wrong });
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text)).toMatchObject({ jsonrpc: '2.0', error: { message: expect.any(String) } });
    }),
  );

  it('over the cap are refused, whether or not they say how long they are', () =>
    withServer(
      async ({ url }) => {
        const long = withArguments(`{"text":"${'x'.repeat(20_000)}"}`);
        expect(await send(url, { headers: { ...good, 'content-length': String(long.length) }, body: long })).toMatchObject({ status: 413 });
        expect(await send(url, { headers: { ...good, 'transfer-encoding': 'chunked' }, body: long })).toMatchObject({ status: 413 });
        expect(await send(url, { headers: good, body })).toMatchObject({ status: 200 });
      },
      { maxBodyBytes: 10_000 },
    ));

  it('with multi-byte characters split across chunks arrive whole', () =>
    withServer(async ({ url }) => {
      const bytes = Buffer.from(withArguments('{"text":"€🙂"}'));
      const text = await new Promise<string>((resolve, reject) => {
        const outgoing = httpRequest(url, { method: 'POST', headers: good }, (response) => {
          let all = '';
          response.setEncoding('utf8').on('data', (chunk) => {
            all += chunk;
          });
          response.on('end', () => resolve(all));
        });
        outgoing.on('error', reject);
        for (const byte of bytes) outgoing.write(Buffer.from([byte]));
        outgoing.end();
      });
      expect(JSON.parse(text).result.structuredContent).toEqual({ text: '€🙂' });
    }));
});

describe('T30: headers that mirror the body', () => {
  const { headers, message: call } = modernRequest('tools/call', { name: 'region', arguments: { region: 'eu west' } });
  it.each([
    ['agree', { 'mcp-param-region': 'eu west' }, 200],
    ['agree in base64', { 'mcp-param-region': `=?base64?${Buffer.from('eu west').toString('base64')}?=` }, 200],
    ['are missing', {}, 400],
    ['differ', { 'mcp-param-region': 'us' }, 400],
    ['name another tool', { 'mcp-param-region': 'eu west', 'mcp-name': 'echo' }, 400],
    ['name another method', { 'mcp-param-region': 'eu west', 'mcp-method': 'tools/list' }, 400],
  ])('when they %s', (_what, more, status) =>
    withServer(async ({ url }) => {
      const answer = await send(url, { headers: { ...headers, ...more }, body: JSON.stringify(call) });
      expect(answer.status).toBe(status);
      if (status === 400) expect(JSON.parse(answer.text).error.code).toBe(-32020);
    }),
  );
});

describe('sessions of the 2025 revisions', () => {
  const initialize = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
  };
  const old = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: 'Bearer alice-key' };
  const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} });

  it('belong to the principal that opened them', () =>
    withServer(async ({ url }) => {
      const { headers } = await send(url, { headers: old, body: JSON.stringify(initialize) });
      const session = String(headers['mcp-session-id']);
      expect(await send(url, { headers: { ...old, 'mcp-session-id': session }, body: list })).toMatchObject({ status: 200 });
      expect(await send(url, { headers: { ...old, 'mcp-session-id': session, authorization: 'Bearer bob-key' }, body: list })).toMatchObject({ status: 404 });
      expect(await send(url, { method: 'DELETE', headers: { ...old, 'mcp-session-id': session, authorization: 'Bearer bob-key' } })).toMatchObject({
        status: 404,
      });
      expect(await send(url, { method: 'DELETE', headers: { ...old, 'mcp-session-id': session } })).toMatchObject({ status: 200 });
      expect(await send(url, { headers: { ...old, 'mcp-session-id': session }, body: list })).toMatchObject({ status: 404 });
    }));

  it('are not kept without end', () =>
    withServer(
      async ({ url }) => {
        const sessions: string[] = [];
        for (let count = 0; count < 5; count++)
          sessions.push(String((await send(url, { headers: old, body: JSON.stringify(initialize) })).headers['mcp-session-id']));
        const states = [];
        for (const session of sessions) states.push((await send(url, { headers: { ...old, 'mcp-session-id': session }, body: list })).status);
        expect(states).toEqual([404, 404, 404, 200, 200]);
      },
      { maxSessions: 2 },
    ));
});
