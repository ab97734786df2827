import { connect } from 'node:net';
import { createHub, defineTool, type HubEvents } from '@meshwork/core';
import { createFetchHandler } from '@meshwork/transports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { restModule, withRest } from './rest-world.ts';
import { alice } from './world.ts';

/** Bytes as they are, because fetch tidies paths and headers up. */
function raw(port: number, head: readonly string[], body = ''): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`${[...head, 'host: 127.0.0.1', 'x-api-key: alice-key', 'connection: close'].join('\r\n')}\r\n\r\n${body}`),
    );
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => resolve({ status: Number(text.slice(9, 12)), text }));
    socket.on('error', reject);
  });
}

describe('calling a tool over REST', () => {
  it('answers content and structured content', () =>
    withRest(async ({ post }) => {
      const answer = await post('/mcp/tools/echo', { text: 'hi' });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(await answer.json()).toEqual({ content: [{ type: 'text', text: '{"text":"hi"}' }], structuredContent: { text: 'hi' }, isError: false });
    }));

  it('takes no body as no arguments, and is the face "rest" of whoever has the key', () =>
    withRest(async ({ send }) => {
      const answer = await send('/mcp/tools/whoami', { method: 'POST' });
      expect((await answer.json()).structuredContent).toEqual({ id: 'alice', face: 'rest' });
    }));

  it.each([['/mcp/tools/dots.in-the_name'], ['/mcp/tools/dots%2Ein-the_name'], ['/mcp/tools/dots.in-the_name@%5E1.0.0'], ['/api/tools/dots.in-the_name']])(
    'finds it by %s',
    (path) =>
      withRest(async ({ post }) => {
        expect(await (await post(path)).json()).toMatchObject({ content: [{ text: 'dotted' }] });
      }),
  );

  it.each([['{"tool":"echo","params":{"text":"a"}}'], ['{"name":"echo","arguments":{"text":"a"}}']])('executes %s', (body) =>
    withRest(async ({ send }) => {
      const answer = await send('/mcp/execute', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      expect(await answer.json()).toMatchObject({ structuredContent: { text: 'a' } });
    }),
  );

  it.each([
    ['a wrong argument', '/mcp/tools/echo', { text: 5 }, 400, 'INVALID_INPUT'],
    ['an unknown tool', '/mcp/tools/nope', {}, 404, 'NOT_FOUND'],
    ['a refusal', '/mcp/tools/denied', {}, 403, 'DENIED'],
    ['something missing', '/mcp/tools/missing', {}, 404, 'NOT_FOUND'],
    ['a conflict', '/mcp/tools/taken', {}, 409, 'CONFLICT'],
    ['a part that is away', '/mcp/tools/away', {}, 503, 'UNAVAILABLE'],
    ['a limit', '/mcp/tools/limited', {}, 429, 'LIMITED'],
    ['a bug in the tool', '/mcp/tools/breaks', {}, 500, 'INTERNAL'],
    ['a failure in words', '/mcp/tools/fails', {}, 422, 'TOOL_FAILED'],
    ['a failure with a code of its own', '/mcp/tools/fails-by-code', {}, 422, 'NO_FUNDS'],
    ['a question', '/mcp/tools/greet', {}, 422, 'INPUT_REQUIRED'],
    ['execute without a name', '/mcp/execute', { params: {} }, 400, 'INVALID_INPUT'],
    ['execute with two names', '/mcp/execute', { tool: 'echo', name: 'whoami' }, 400, 'INVALID_INPUT'],
    ['execute with two sets of arguments', '/mcp/execute', { tool: 'echo', params: {}, arguments: {} }, 400, 'INVALID_INPUT'],
    ['execute with arguments that are no object', '/mcp/execute', { tool: 'echo', params: [] }, 400, 'INVALID_INPUT'],
  ])('answers %s with a problem', (_what, path, body, status, code) =>
    withRest(async ({ post }) => {
      const answer = await post(path, body);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(await answer.json()).toMatchObject({ type: 'about:blank', title: expect.any(String), status, detail: expect.any(String), code });
    }),
  );

  it('shows the details of an error, which never change the problem itself', () =>
    withRest(async ({ post }) => {
      expect(await (await post('/mcp/tools/denied')).json()).toMatchObject({ policies: ['external-read-only'] });
      expect(await (await post('/mcp/tools/missing')).json()).toMatchObject({ status: 404, record: 'r1' });
      expect(await (await post('/mcp/tools/fails-by-code')).json()).toMatchObject({ status: 422, detail: 'empty', left: 0 });
      expect(await (await post('/mcp/tools/fails')).json()).toMatchObject({ detail: 'no luck', content: [{ type: 'text', text: 'no luck' }] });
      expect(await (await post('/mcp/tools/greet')).json()).toMatchObject({ requests: { name: { method: 'elicitation/create' } } });
      expect((await post('/mcp/tools/away')).headers.get('retry-after')).toBe('2');
    }));

  it('passes on the idempotency key, the trace and how long the caller waits', () =>
    withRest(
      async ({ post }) => {
        const facts = async (headers: Record<string, string>) => (await (await post('/mcp/tools/facts', {}, headers)).json()).structuredContent;
        const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        expect(await facts({ 'idempotency-key': '"k1"', traceparent, tracestate: 'a=b' })).toMatchObject({
          key: 'k1',
          trace: { traceparent, tracestate: 'a=b' },
        });
        expect(await facts({ 'idempotency-key': 'k1', traceparent: 'nonsense' })).toMatchObject({ key: 'k1', trace: null });
        const waits = async (headers: Record<string, string>) => Math.round((await facts(headers)).inMs / 1_000);
        expect(await waits({})).toBe(100);
        expect(await waits({ prefer: 'respond-async, wait=20' })).toBe(20);
        expect(await waits({ 'x-timeout-ms': '30000' })).toBe(30);
        expect(await waits({ 'x-timeout-ms': '3000000' })).toBe(100);
      },
      { callTimeoutMs: 100_000 },
    ));

  it.each([
    ['x-timeout-ms', 'soon'],
    ['x-timeout-ms', '-1'],
    ['x-timeout-ms', '5, 6'],
    ['idempotency-key', 'a, b'],
    ['idempotency-key', 'x'.repeat(256)],
    ['idempotency-key', '""'],
  ])('refuses the header %s: %s', (name, value) =>
    withRest(async ({ post }) => expect(await (await post('/mcp/tools/facts', {}, { [name]: value })).json()).toMatchObject({ code: 'INVALID_INPUT' })),
  );

  it('answers 504 when the caller does not want to wait any longer', () =>
    withRest(async ({ post }) => {
      const answer = await post('/mcp/tools/waits', {}, { 'x-timeout-ms': '20' });
      expect(answer.status).toBe(504);
      expect(await answer.json()).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    }));

  it('is cancelled when its caller hangs up', () =>
    withRest(async ({ hub, send }) => {
      const finished = new Promise<Parameters<HubEvents['call-finished']>[0]>((resolve) => hub.events.once('call-finished', resolve));
      const started = Promise.withResolvers<void>();
      const run = () => {
        started.resolve();
        return new Promise<never>(() => {});
      };
      hub.register({ tools: [defineTool({ name: 'hangs', description: 'x', category: 'test', effect: 'read', input: z.object({}), run })] });
      const leaving = new AbortController();
      const answer = send('/mcp/tools/hangs', { method: 'POST', signal: leaving.signal }).catch(() => 'gone');
      await started.promise;
      leaving.abort();
      expect(await answer).toBe('gone');
      expect((await finished).result).toMatchObject({ isError: true, structuredContent: { code: 'CANCELLED' } });
    }));

  it('answers 503 while the hub is closing', () =>
    withRest(async ({ hub, post, send }) => {
      await hub.close();
      expect(await (await post('/mcp/tools/echo', { text: 'x' })).json()).toMatchObject({ status: 503, code: 'CLOSED' });
      expect((await send('/mcp/resources/board%3A%2F%2Fx')).status).toBe(503);
    }));
});

describe('bodies over REST', () => {
  const body = '{"text":"a"}';
  it.each([
    ['no JSON', '{', {}, 400, 'INVALID_INPUT'],
    ['a list', '[]', {}, 400, 'INVALID_INPUT'],
    ['a string', '"x"', {}, 400, 'INVALID_INPUT'],
    ['null', 'null', {}, 400, 'INVALID_INPUT'],
    ['a key twice', '{"text":"a","text":"b"}', {}, 400, 'INVALID_INPUT'],
    ['a key named __proto__', '{"text":"a","__proto__":{"x":1}}', {}, 400, 'INVALID_INPUT'],
    ['a key named constructor', '{"text":"a","constructor":{"x":1}}', {}, 400, 'INVALID_INPUT'],
    ['200 levels', `{"text":${'['.repeat(200)}${']'.repeat(200)}}`, {}, 400, 'INVALID_INPUT'],
    ['too much', `{"text":"${'x'.repeat(20_000)}"}`, {}, 413, 'TOO_LARGE'],
    ['a form', body, { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['plain text', body, { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['another charset', body, { 'content-type': 'application/json; charset=utf-16' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['two types', body, { 'content-type': 'application/json, application/json' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a type that only begins well', body, { 'content-type': 'application/jsonx' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ])('with %s are refused', (_what, sent, headers, status, code) =>
    withRest(
      async ({ hub, send }) => {
        let ran = 0;
        hub.events.on('call-finished', ({ result }) => {
          if (result?.kind === 'tool' && !result.isError) ran += 1;
        });
        const answer = await send('/mcp/tools/echo', { method: 'POST', body: sent, headers: { 'content-type': 'application/json', ...headers } });
        expect({ status: answer.status, code: (await answer.json()).code, ran }).toEqual({ status, code, ran: 0 });
      },
      { maxBodyBytes: 10_000 },
    ),
  );

  it('may name their charset', () =>
    withRest(async ({ post }) => {
      expect((await post('/mcp/tools/echo', { text: '€' }, { 'content-type': 'Application/JSON; charset="UTF-8"' })).status).toBe(200);
    }));
});

describe('reading over REST', () => {
  it('lists tools, resources and prompts', () =>
    withRest(async ({ send }) => {
      const tools = await (await send('/mcp/tools')).json();
      expect(tools.tools.find(({ name }: { name: string }) => name === 'echo')).toMatchObject({
        description: 'Says it back.',
        inputSchema: { type: 'object' },
      });
      expect(await (await send('/api/tools')).json()).toEqual(tools);
      expect(tools.tools).toContainEqual(await (await send('/api/tools/echo')).json());
      expect((await send('/mcp/tools/nope')).status).toBe(404);
      expect(await (await send('/mcp/resources')).json()).toMatchObject({
        resources: [{ uri: 'board://broken' }, { uri: 'board://x' }],
        resourceTemplates: [{ uriTemplate: 'board://x/{key}' }],
      });
      expect(await (await send('/mcp/prompts')).json()).toMatchObject({ prompts: [{ name: 'hello' }] });
    }));

  it.each([
    ['/mcp/resources/board%3A%2F%2Fx', 'board://x'],
    ['/mcp/resources/board://x', 'board://x'],
    ['/mcp/resources/board%3A%2F%2Fx%2Fa%2520b', 'board://x/a%20b'],
    ['/mcp/resources/board://x/a%20b', 'board://x/a%20b'],
  ])('reads %s', (path, uri) =>
    withRest(async ({ send }) => expect(await (await send(path)).json()).toMatchObject({ contents: [{ uri, mimeType: 'application/json' }] })),
  );

  it('renders a prompt', () =>
    withRest(async ({ post }) => {
      expect(await (await post('/mcp/prompts/hello', { who: 'Ada' })).json()).toEqual({
        messages: [{ role: 'user', content: { type: 'text', text: 'hello Ada' } }],
      });
      expect((await post('/mcp/prompts/hello', {})).status).toBe(400);
    }));

  it('keeps what broke inside to itself', () =>
    withRest(async ({ send }) => {
      const answer = await send('/mcp/resources/board%3A%2F%2Fbroken');
      expect(answer.status).toBe(500);
      expect(await answer.text()).not.toContain('secret');
    }));
});

describe('paths', () => {
  it.each([
    ['an encoded slash', '/mcp/tools/..%2Fhealth', 404],
    ['a name encoded twice', '/mcp/tools/ech%256F', 404],
    ['a dot segment', '/mcp/tools/../health', 404],
    ['an encoded dot segment', '/mcp/tools/%2e%2e', 404],
    ['a slash too many', '/mcp/tools/echo/', 404],
    ['a slash in the middle', '/mcp/tools/echo/x', 404],
    ['half an escape', '/mcp/tools/%', 400],
    ['bytes that are no UTF-8', '/mcp/tools/%ff', 400],
    ['a null byte', '/mcp/tools/echo%00', 404],
    ['the prototype', '/mcp/tools/__proto__', 404],
    ['a method of every object', '/mcp/tools/constructor', 404],
    ['a long name', `/mcp/tools/${'x'.repeat(8_000)}`, 404],
    ['a URL over the cap', `/mcp/tools/${'x'.repeat(20_000)}`, 431],
    ['an absolute target', 'http://127.0.0.1/mcp/tools/echo', 404],
  ])('with %s reach nothing', (_what, path, status) =>
    withRest(async ({ server, hub }) => {
      let ran = 0;
      hub.events.on('call-finished', ({ result }) => {
        if (result !== undefined) ran += 1;
      });
      const answer = await raw(server.port, [`POST ${path} HTTP/1.1`, 'content-type: application/json', 'content-length: 12'], '{"text":"a"}');
      expect({ status: answer.status, ran }).toEqual({ status, ran: 0 });
    }),
  );

  it.each([
    ['a climb out of a family', '/mcp/resources/board%3A%2F%2Fx%2F..', 404],
    ['an encoded climb', '/mcp/resources/board%3A%2F%2Fx%2F%252e%252e', 404],
    ['a slash inside a variable', '/mcp/resources/board%3A%2F%2Fx%2Fa%252Fb', 404],
    ['a scheme that is none', '/mcp/resources/__proto__', 404],
    ['nothing', '/mcp/resources/', 404],
    ['the file system', '/mcp/resources/file%3A%2F%2F%2Fetc%2Fpasswd', 404],
  ])('of resources with %s reach nothing', (_what, path, status) =>
    withRest(async ({ server }) => expect(await raw(server.port, [`GET ${path} HTTP/1.1`])).toMatchObject({ status })),
  );

  it('do not read one header of two', () =>
    withRest(async ({ server }) => {
      const answer = await raw(server.port, ['POST /mcp/tools/facts HTTP/1.1', 'idempotency-key: a', 'idempotency-key: b', 'content-length: 0']);
      expect(answer.status).toBe(400);
    }));

  it.each([
    ['PUT', '/mcp/tools', 'GET, HEAD, OPTIONS'],
    ['GET', '/mcp/execute', 'POST, OPTIONS'],
    ['HEAD', '/mcp/execute', 'POST, OPTIONS'],
    ['PATCH', '/mcp/tools/echo', 'GET, HEAD, POST, OPTIONS'],
    ['DELETE', '/mcp/health', 'GET, HEAD, OPTIONS'],
    ['POST', '/api/operations/x', 'GET, HEAD, DELETE, OPTIONS'],
  ])('answer %s %s with what there is', (method, path, allow) =>
    withRest(async ({ send }) => {
      const answer = await send(path, { method });
      expect({ status: answer.status, allow: answer.headers.get('allow') }).toEqual({ status: 405, allow });
    }),
  );

  it('answer HEAD like GET, without the body', () =>
    withRest(async ({ hub, send }) => {
      const [head, get] = [await send('/mcp/tools', { method: 'HEAD' }), await send('/mcp/tools')];
      expect(head.status).toBe(200);
      expect(await head.text()).toBe('');
      expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
      const handler = createFetchHandler(hub, { authenticator: { everybody: alice } });
      const elsewhere = await handler(new Request('http://127.0.0.1/mcp/tools', { method: 'HEAD', headers: { host: '127.0.0.1' } }));
      expect([elsewhere.status, await elsewhere.text()]).toEqual([200, '']);
      await handler.close();
    }));

  it.each(['constructor', 'toString', '__proto__', 'handle', 'path'])('know no method named %s', async (method) => {
    await using hub = createHub({ modules: [restModule] });
    const handler = createFetchHandler(hub, { authenticator: { everybody: alice } });
    const answer = await handler(new Request('http://127.0.0.1/mcp/tools', { method, headers: { host: '127.0.0.1' } }));
    expect(answer.status).toBe(405);
    await handler.close();
  });

  it('are open to pages of this machine', () =>
    withRest(async ({ send }) => {
      const asked = await send('/mcp/tools/echo', {
        method: 'OPTIONS',
        headers: { origin: 'http://localhost:5173', 'access-control-request-headers': 'x-api-key' },
      });
      expect(asked.status).toBe(204);
      expect(asked.headers.get('access-control-allow-methods')).toContain('POST');
      const answer = await send('/mcp/tools', { headers: { origin: 'http://localhost:5173' } });
      expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
      expect((await send('/mcp/tools', { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    }));

  it('refuse strangers with a challenge and a problem', () =>
    withRest(async ({ origin }) => {
      const answer = await fetch(`${origin}/mcp/tools`, { headers: { authorization: 'Bearer mallory' } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain('invalid_token');
      expect(await answer.json()).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', detail: expect.stringContaining('key') });
    }));

  it('of any kind, with any method and body, are answered and break nothing', { timeout: 60_000 }, async () => {
    await using hub = createHub({ modules: [restModule] });
    const failures: unknown[] = [];
    const handler = createFetchHandler(hub, { authenticator: { everybody: alice }, onError: (error) => failures.push(error) });
    const part = fc.oneof(
      fc.constantFrom(
        'mcp',
        'api',
        'tools',
        'resources',
        'prompts',
        'operations',
        'execute',
        'health',
        'metrics',
        'agents',
        'input',
        'echo',
        'hello',
        'board:',
        '',
        '..',
        '%2e%2e',
        '%2F',
        '%',
        '%ff',
        '%00',
        '__proto__',
      ),
      fc.string({ unit: 'binary', maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed())),
      fc.string({ maxLength: 10 }),
    );
    const prefix = fc.constantFrom(
      '',
      '/mcp',
      '/mcp/tools',
      '/mcp/resources',
      '/mcp/prompts',
      '/api/tools',
      '/api/operations',
      '/mcp/execute',
      '/mcp/metrics',
      '/health',
    );
    const requests = fc.record({
      path: fc.tuple(prefix, fc.array(part, { maxLength: 4 })).map(([first, parts]) => [first, ...parts].join('/')),
      method: fc.constantFrom('GET', 'POST', 'DELETE', 'HEAD', 'PUT', 'constructor'),
      type: fc.constantFrom('application/json', 'application/json; charset=utf-8', 'text/plain', ''),
      body: fc.oneof(fc.json(), fc.string(), fc.constantFrom('{}', '{"text":"a"}', '{"tool":"echo","params":{"text":"a"}}', '{"tool":{}}')),
      more: fc.dictionary(fc.constantFrom('prefer', 'x-timeout-ms', 'idempotency-key', 'traceparent', 'accept'), fc.stringMatching(/^[ -~]{0,20}$/)),
    });
    await fc.assert(
      fc.asyncProperty(requests, async ({ path, method, type, body, more }) => {
        const target = new URL(`http://127.0.0.1${path}`);
        fc.pre(target.pathname !== '/mcp' && !target.pathname.startsWith('/sse'));
        const sent = method === 'GET' || method === 'HEAD' ? {} : { body };
        const answer = await handler(new Request(target, { method, headers: { host: '127.0.0.1', 'content-type': type, ...more }, ...sent }));
        const text = await answer.text();
        // 504 is what somebody gets who wants to wait no time at all.
        if (answer.status >= 500) expect([answer.status, JSON.parse(text).code]).toEqual([504, 'DEADLINE_EXCEEDED']);
        if (text !== '') JSON.parse(text);
      }),
      { numRuns: Number(process.env.MESHWORK_RUNS ?? 2_000) },
    );
    expect(failures).toEqual([]);
    await handler.close();
  });

  it('stand beside an endpoint at another path', () =>
    withRest(
      async ({ send }) => {
        expect((await send('/a+b(c)/tools')).status).toBe(200);
        expect((await send('/mcp/tools')).status).toBe(404);
      },
      { path: '/a+b(c)' },
    ));
});
