import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { UnavailableError } from '@meshwork/core';
import { type DoorRefusal, type ServeHttpOptions, serveHttp, serveSocket, serveStdio, serveWebSocket } from '@meshwork/transports';
import { createDoorLimits } from '@meshwork/transports/limits';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { alice, authenticator, modernRequest, testHub } from './world.ts';

const { headers: good, message } = modernRequest('tools/call', { name: 'echo', arguments: { text: 'hi' } });
const body = JSON.stringify(message);
const KEY = `mk_0123456789abcdef_${'s'.repeat(43)}`;

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
}

interface World {
  readonly port: number;
  readonly refusals: readonly DoorRefusal[];
  send(sent: Sent): Promise<{ status: number; headers: Record<string, unknown>; text: string }>;
}

/** A hub whose door writes down what it refuses; each record is there before the answer is. */
async function withDoor(work: (world: World) => Promise<void>, options: Partial<ServeHttpOptions> = {}): Promise<void> {
  const refusals: DoorRefusal[] = [];
  await using hub = testHub();
  const recorder = {
    refused: async (refusal: DoorRefusal) => {
      await new Promise((resolve) => setImmediate(resolve));
      refusals.push(refusal);
    },
  };
  await using server = await serveHttp(hub, { port: 0, authenticator, recorder, closeGraceMs: 200, ...options });
  const send: World['send'] = ({ method = 'POST', path = '/mcp', headers = good, body: text = body }) =>
    new Promise((resolve, reject) => {
      const outgoing = httpRequest({ host: '127.0.0.1', port: server.port, method, path, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }));
      });
      outgoing.on('error', reject);
      outgoing.end(method === 'POST' ? text : undefined);
    });
  await work({ port: server.port, refusals, send });
}

const rest = { 'x-api-key': 'alice-key', 'content-type': 'application/json' };

describe('what the door refuses', () => {
  it.each<[string, Sent, number, Partial<DoorRefusal>]>([
    ['a request without a key', { headers: { ...good, authorization: '' } }, 401, { code: 'UNAUTHENTICATED', face: 'mcp', path: '/mcp', method: 'POST' }],
    ['an unknown key', { headers: { ...good, authorization: `Bearer ${KEY}` } }, 401, { credentialId: 'mk_0123456789abcdef' }],
    [
      'an unknown key over REST',
      { path: '/mcp/tools/echo', headers: { ...rest, 'x-api-key': KEY } },
      401,
      { face: 'rest', credentialId: 'mk_0123456789abcdef' },
    ],
    ['a token over the cap', { headers: { ...good, authorization: `Bearer ${'x'.repeat(4_097)}` } }, 401, { code: 'UNAUTHENTICATED' }],
    ['a foreign Host', { headers: { ...good, host: 'evil.example' } }, 403, { code: 'DENIED' }],
    ['a foreign Origin', { headers: { ...good, origin: 'https://evil.example' } }, 403, { code: 'DENIED' }],
    ['an unknown path', { path: '/admin.php?x=1' }, 404, { code: 'NOT_FOUND', path: '/admin.php' }],
    ['a method that does nothing', { path: '/mcp/tools', method: 'DELETE', headers: rest }, 405, { code: 'METHOD_NOT_ALLOWED', principal: 'alice' }],
    ['a body that is no JSON', { body: '{' }, 400, { code: 'INVALID_INPUT', principal: 'alice', reason: 'the text is not valid JSON' }],
    [
      'a body that is no JSON over REST',
      { path: '/mcp/tools/echo', headers: rest, body: '{' },
      400,
      { code: 'INVALID_INPUT', face: 'rest', principal: 'alice' },
    ],
    ['a body over the cap', { body: `"${'x'.repeat(20_000)}"` }, 413, { code: 'TOO_LARGE' }],
    ['a body over the cap over REST', { path: '/mcp/tools/echo', headers: rest, body: `"${'x'.repeat(20_000)}"` }, 413, { code: 'TOO_LARGE' }],
    ['a path over the cap', { path: `/mcp/tools/${'x'.repeat(8_192)}`, method: 'GET', headers: rest }, 414, { code: 'URI_TOO_LONG' }],
    ['another content type', { headers: { ...good, 'content-type': 'text/plain' } }, 415, { code: 'UNSUPPORTED_MEDIA_TYPE' }],
    [
      'another content type over REST',
      { path: '/mcp/tools/echo', headers: { ...rest, 'content-type': 'text/plain' } },
      415,
      { code: 'UNSUPPORTED_MEDIA_TYPE' },
    ],
    ['a compressed body', { headers: { ...good, 'content-encoding': 'gzip' } }, 415, { code: 'UNSUPPORTED_MEDIA_TYPE' }],
    ['a compressed body over REST', { path: '/mcp/tools/echo', headers: { ...rest, 'content-encoding': 'deflate' } }, 415, { face: 'rest' }],
    [
      'too many headers',
      { headers: { ...good, ...Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`x-${at}`, '1'])) } },
      431,
      { code: 'HEADERS_TOO_LARGE' },
    ],
    ['a head over the cap', { headers: { ...good, 'x-long': 'x'.repeat(17_000) } }, 431, { code: 'HEADERS_TOO_LARGE' }],
    ['a name in the header that is not the one in the body', { headers: { ...good, 'mcp-name': 'whoami' } }, 400, { principal: 'alice' }],
    ['a session nobody has', { method: 'GET', headers: { ...good, 'mcp-session-id': 'x' } }, 404, { principal: 'alice' }],
    ['a stream nobody has', { path: '/sse/messages?session=x' }, 404, { face: 'sse', path: '/sse/messages' }],
    ['a bad Idempotency-Key', { path: '/mcp/tools/echo', headers: { ...rest, 'idempotency-key': 'a b' }, body: '{"text":"x"}' }, 400, { face: 'rest' }],
    ['a tool nobody has, asked about', { path: '/mcp/tools/nope', method: 'GET', headers: rest }, 404, { code: 'NOT_FOUND', face: 'rest' }],
  ])('leaves one record before the answer: %s', (_what, sent, status, expected) =>
    withDoor(
      async ({ send, refusals }) => {
        const answer = await send(sent);
        expect(answer.status).toBe(status);
        expect(refusals).toHaveLength(1);
        expect(refusals[0]).toMatchObject({ status, address: '127.0.0.1', reason: expect.stringMatching(/./), ...expected });
        expect(JSON.stringify(refusals)).not.toContain('ssss');
      },
      { maxBodyBytes: 10_000 },
    ),
  );

  it.each<[string, Sent]>([
    ['a call that works', {}],
    ['a call whose arguments do not fit', { body: body.replace('"text"', '"other"') }],
    ['a call of nothing, over REST', { path: '/mcp/tools/nope', headers: rest, body: '{}' }],
    ['a resource nobody has', { path: '/mcp/resources/x%3A%2F%2Fy', method: 'GET', headers: rest }],
    ['a list', { path: '/mcp/tools', method: 'GET', headers: rest }],
    ['a look at whether it is up', { path: '/health', method: 'GET', headers: {} }],
    ['a question of a browser', { method: 'OPTIONS', headers: { origin: 'http://localhost:1' } }],
  ])('leaves none of what has a record of its own, or is no refusal: %s', (_what, sent) =>
    withDoor(async ({ send, refusals }) => {
      await send(sent);
      expect(refusals).toEqual([]);
    }),
  );

  it('does not go unrecorded: what cannot be recorded is refused with 503', () =>
    withDoor(
      async ({ send }) => {
        const answer = await send({ headers: { ...good, authorization: 'Bearer mallory' } });
        expect([answer.status, answer.text]).toEqual([503, expect.stringContaining('audit store')]);
        expect((await send({})).status).toBe(200);
      },
      { recorder: { refused: () => Promise.reject(new UnavailableError('the disk is full')) } },
    ));

  it('includes a method that does nothing where the hub describes itself to OAuth clients', () =>
    withDoor(
      async ({ send, refusals }) => {
        const path = '/.well-known/oauth-protected-resource';
        expect((await send({ path, method: 'GET', headers: {} })).status).toBe(200);
        expect((await send({ path, headers: {} })).status).toBe(405);
        expect(refusals).toMatchObject([{ status: 405, code: 'METHOD_NOT_ALLOWED', path, method: 'POST' }]);
      },
      { oauth: { resource: 'https://hub.example/mcp', authorizationServers: ['https://idp.example'] } },
    ));

  it('leaves one record when the hub itself fails to say who calls', () =>
    withDoor(
      async ({ send, refusals }) => {
        expect((await send({})).status).toBe(500);
        expect(refusals).toMatchObject([{ status: 500, code: 'INTERNAL' }]);
      },
      { authenticator: { authenticate: () => Promise.reject(new Error('the store is away')) } },
    ));

  it.each([
    ['bytes that are no HTTP', '\u0000\u0001\u0002\r\n\r\n', 400],
    ['a TLS greeting', '\u0016\u0003\u0001\u0002\u0000', 400],
    [
      'a body whose pieces are wrong',
      `POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer alice-key\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
      undefined,
    ],
    ['two lengths', 'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
  ])('includes %s', (_what, bytes, status) =>
    withDoor(async ({ port, refusals }) => {
      const socket = connect(port, '127.0.0.1');
      let heard = '';
      socket.setEncoding('latin1').on('data', (chunk) => {
        heard += chunk;
      });
      socket.write(bytes, 'latin1');
      await new Promise((resolve) => socket.once('close', resolve));
      // In the middle of a request there is no place for an answer: the connection ends.
      expect(heard).toMatch(status === undefined ? /^$/ : new RegExp(`^HTTP/1\\.1 ${status} `));
      await expect.poll(() => refusals).toMatchObject([{ status: status ?? 400, address: '127.0.0.1' }]);
    }),
  );
});

describe('what a connection that lasts sends and is refused', () => {
  const frames: [string, string | Buffer, number][] = [
    ['no JSON', '{', 400],
    ['no JSON-RPC', '{"a":1}', 400],
    ['bytes', Buffer.from([1, 2, 3]), 415],
    ['too much', 'x'.repeat(20_000), 413],
  ];

  it.each(['mcp', 'mcp.resume'].flatMap((protocol) => frames.map((frame) => [protocol, ...frame] as const)))(
    'leaves one record over WebSocket (%s): %s',
    (protocol, _what, frame, status) =>
      withDoor(
        async ({ port, refusals }) => {
          const socket = new WebSocket(`ws://127.0.0.1:${port}/mcp`, [protocol], { headers: { authorization: 'Bearer alice-key' } });
          const refused = new Promise<void>((resolve) => {
            socket.on('message', (data) => String(data).includes('"error"') && resolve());
            socket.on('close', () => resolve());
          });
          await new Promise((resolve) => socket.once('open', resolve));
          socket.send(frame);
          await refused;
          expect(refusals).toMatchObject([{ face: 'ws', status, principal: 'alice', address: '127.0.0.1' }]);
          socket.terminate();
        },
        { webSocket: { maxMessageBytes: 10_000 } },
      ),
  );

  it('leaves one record for each upgrade that is refused', () =>
    withDoor(async ({ port, refusals }) => {
      const refused = (path: string, options: object) =>
        new Promise<number>((resolve) => {
          const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, ['mcp'], options);
          socket.on('error', () => {});
          socket.once('unexpected-response', (_request, response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          });
        });
      const headers = { authorization: 'Bearer alice-key' };
      expect(await refused('/mcp', {})).toBe(401);
      expect(await refused('/mcp', { headers: { authorization: `Bearer ${KEY}` } })).toBe(401);
      expect(await refused('/mcp', { headers, origin: 'https://evil.example' })).toBe(403);
      expect(await refused('/other', { headers })).toBe(404);
      expect(refusals.map(({ status, face, credentialId }) => [status, face, credentialId])).toEqual([
        [401, 'ws', undefined],
        [401, 'ws', 'mk_0123456789abcdef'],
        [403, 'ws', undefined],
        [404, 'ws', undefined],
      ]);
    }));

  it('leaves one record for each line, over stdio and a socket', async () => {
    const refusals: DoorRefusal[] = [];
    const recorder = { refused: async (refusal: DoorRefusal) => void refusals.push(refusal) };
    await using hub = testHub();
    const [input, output] = [new PassThrough(), new PassThrough()];
    await using _stdio = await serveStdio(hub, { principal: alice, input, output, recorder, closeGraceMs: 100 });
    input.write('{\nnull\n');
    let heard = '';
    for await (const chunk of output) {
      heard += chunk;
      if (heard.split('\n').length > 2) break;
    }
    expect(refusals).toMatchObject([
      { face: 'stdio', status: 400, principal: 'alice' },
      { face: 'stdio', status: 400, principal: 'alice' },
    ]);

    await using server = await serveSocket(hub, { port: 0, authenticate: () => alice, recorder, closeGraceMs: 100 });
    const { host, port } = server.address as { host: string; port: number };
    const socket = connect(port, host);
    socket.resume().write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(refusals.slice(2)).toMatchObject([{ face: 'stdio', status: 400, address: '127.0.0.1' }]);
  });

  it('leaves one record where a port speaks WebSocket only', async () => {
    const refusals: DoorRefusal[] = [];
    await using hub = testHub();
    await using server = await serveWebSocket(hub, { port: 0, authenticator, recorder: { refused: async (refusal) => void refusals.push(refusal) } });
    expect((await fetch(`http://127.0.0.1:${server.port}/mcp?x=1`)).status).toBe(426);
    expect(refusals).toMatchObject([{ status: 426, code: 'UPGRADE_REQUIRED', path: '/mcp', address: '127.0.0.1' }]);
  });
});

describe('an address that tries key after key', () => {
  it('is refused with 429 after thirty, before any key is looked at, on every port of the hub', async () => {
    const doorLimits = createDoorLimits();
    let looked = 0;
    const counting = {
      authenticate: (credential: string | undefined) => {
        looked += 1;
        return Promise.resolve(credential === 'alice-key' ? alice : undefined);
      },
    };
    await withDoor(
      async ({ send, refusals, port }) => {
        for (let at = 0; at < 30; at++) expect((await send({ headers: { ...good, authorization: `Bearer k${at}` } })).status).toBe(401);
        const limited = await send({ headers: { ...good, authorization: 'Bearer k30' } });
        expect([limited.status, Number(limited.headers['retry-after'])]).toEqual([429, expect.closeTo(60, -1)]);
        expect((await send({ path: '/mcp/tools', method: 'GET', headers: { 'x-api-key': 'alice-key' } })).status).toBe(429);
        expect(looked).toBe(30);
        const upgraded = await new Promise<number>((resolve) => {
          const socket = new WebSocket(`ws://127.0.0.1:${port}/mcp`, ['mcp'], { headers: { authorization: 'Bearer alice-key' } });
          socket.on('error', () => {});
          socket.once('unexpected-response', (_request, response) => resolve(response.resume().statusCode ?? 0));
        });
        expect(upgraded).toBe(429);
        expect(refusals.map(({ status }) => status)).toEqual([...Array<number>(30).fill(401), 429, 429, 429]);
      },
      { authenticator: counting, doorLimits },
    );
    await withDoor(async ({ send }) => expect((await send({})).status).toBe(429), { doorLimits });
  });

  it('may come as often as it likes with a key that opens', () =>
    withDoor(
      async ({ send }) => {
        for (let at = 0; at < 40; at++) expect((await send({})).status).toBe(200);
      },
      { doorLimits: createDoorLimits() },
    ));

  it('is counted apart from requests without a key, which have a cap of their own', () =>
    withDoor(
      async ({ send }) => {
        for (let at = 0; at < 5; at++) expect((await send({ headers: { ...good, authorization: '' } })).status).toBe(401);
        expect((await send({ headers: { ...good, authorization: '' } })).status).toBe(429);
        expect((await send({ path: '/health', method: 'GET', headers: {} })).status).toBe(429);
        expect((await send({})).status).toBe(200);
      },
      { doorLimits: createDoorLimits({ strangersPerMinute: 5 }) },
    ));

  it.each([
    ['another address of its /64', '2001:db8::1', '2001:db8::2', true],
    ['another spelling of its address', '::ffff:192.0.2.1', '192.0.2.1', true],
    ['an address of another /64', '2001:db8::1', '2001:db8:0:1::1', false],
  ])('has tried with %s too: %s, %s', async (_what, one, another, isOne) => {
    const limits = createDoorLimits({ failuresPerMinute: 3 });
    for (let at = 0; at < 3; at++) await limits.failed(one, { showsCredential: true });
    expect((await limits.waitOf(another, { showsCredential: true })) !== undefined).toBe(isOne);
  });

  it('shares its points with all who come after 50,000 others, so that nobody fills a memory by coming from everywhere', async () => {
    const limits = createDoorLimits({ failuresPerMinute: 1 });
    const from = (at: number) => `2001:db8:${(at >> 16).toString(16)}:${(at & 0xffff).toString(16)}::1`;
    const waits = async (at: number) => (await limits.waitOf(from(at), { showsCredential: true })) !== undefined;
    for (let at = 0; at < 50_099; at++) await limits.failed(from(at), { showsCredential: true });
    // A hundred times what one has, for all of them together.
    expect([await waits(1), await waits(49_999), await waits(50_001), await waits(60_000)]).toEqual([true, true, false, false]);
    await limits.failed(from(50_099), { showsCredential: true });
    expect([await waits(50_001), await waits(60_000)]).toEqual([true, true]);
  });

  it('keeps the connections it has, whose keys are looked up all the same', async () => {
    let looked = 0;
    let isKnown = true;
    const counting = {
      authenticate: async (credential: string | undefined) => {
        looked += 1;
        return credential === 'alice-key' && isKnown ? alice : undefined;
      },
    };
    await withDoor(
      async ({ port, send }) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/mcp`, ['mcp'], { headers: { authorization: 'Bearer alice-key' } });
        const closed = new Promise<number>((resolve) => socket.once('close', resolve));
        await new Promise((resolve) => socket.once('open', resolve));
        expect((await send({ headers: { ...good, authorization: 'Bearer mallory' } })).status).toBe(401);
        expect((await send({})).status).toBe(429);
        const before = looked;
        await expect.poll(() => looked).toBeGreaterThan(before + 2);
        expect(socket.readyState).toBe(WebSocket.OPEN);
        isKnown = false;
        expect(await closed).toBe(4401);
      },
      { authenticator: counting, doorLimits: createDoorLimits({ failuresPerMinute: 1 }), webSocket: { reauthenticateMs: 10 } },
    );
  });
});
