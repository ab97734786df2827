import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { createHub } from '@meshwork/core';
import { serveHttp, serveWebSocket, type TlsMaterial, type TlsSource } from '@meshwork/transports';
import type { JsonGeneralName } from '@peculiar/x509';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createAuthority, type Issued } from './authority.ts';
import { closed, get, getPlain, recorder } from './tls-client.ts';
import { authenticator, modernRequest, testHub, withServer } from './world.ts';

const authority = await createAuthority();
const { ca } = authority;
const server = await authority.issue();
const clients = { ca, requestClientCertificate: 'optional', ...server } as const;
const host = '127.0.0.1';
const toolsOf = (url: string) => `${url}/tools`;
const portOf = (url: string) => Number(new URL(url).port);

/** Posts over TLS; says what it was answered. */
function fetchOver(url: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-api-key': 'alice-key', 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    request(url, { ca, method: 'POST', agent: false, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end(body);
  });
}

/** Certificates a test changes. */
function changing(first: TlsMaterial): TlsSource & { change(to: TlsMaterial): void } {
  let material = first;
  const listeners = new Set<() => void>();
  return {
    current: () => material,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    change(to) {
      material = to;
      for (const listener of listeners) listener();
    },
  };
}

describe('a port with TLS', () => {
  it('answers on https, with TLS 1.3 and HTTP/1.1 only', () =>
    withServer(
      async ({ url, port }) => {
        expect(url).toBe(`https://127.0.0.1:${port}/mcp`);
        expect(await get(toolsOf(url), { ca })).toMatchObject({ status: 200 });
        await expect(get(toolsOf(url), { ca, maxVersion: 'TLSv1.2' })).rejects.toThrow(/version/i);
        const [error] = await once(connect({ host, port, ca, ALPNProtocols: ['h2'] }), 'error');
        expect(error).toMatchObject({ code: expect.stringMatching(/NO_APPLICATION_PROTOCOL/) });
        const socket = connect({ host, port, ca, ALPNProtocols: ['h2', 'http/1.1'] });
        await once(socket, 'secureConnect');
        expect([socket.alpnProtocol, socket.getProtocol()]).toEqual(['http/1.1', 'TLSv1.3']);
        socket.destroy();
      },
      { tls: server },
    ));

  it('speaks TLS 1.2 only when it is told to', () =>
    withServer(async ({ url }) => expect(await get(toolsOf(url), { ca, maxVersion: 'TLSv1.2' })).toMatchObject({ status: 200 }), {
      tls: { ...server, minVersion: 'TLSv1.2' },
    }));

  it('is not shown to somebody who does not trust its authority, or calls it by another name', () =>
    withServer(
      async ({ url }) => {
        await expect(get(toolsOf(url), {})).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
        await expect(get(toolsOf(url.replace('127.0.0.1', 'localhost')), { ca })).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
      },
      { tls: server },
    ));

  it('takes no plain text, and a plain port takes no TLS; both go on', async () => {
    await withServer(
      async ({ url }) => {
        await expect(getPlain(toolsOf(url.replace('https:', 'http:')))).rejects.toThrow();
        expect(await get(toolsOf(url), { ca })).toMatchObject({ status: 200 });
      },
      { tls: server },
    );
    await withServer(async ({ url }) => {
      await expect(get(toolsOf(url.replace('http:', 'https:')), { ca })).rejects.toThrow(/wrong version number|packet length|EPROTO/i);
      expect(await getPlain(toolsOf(url))).toBe(200);
    });
  });

  it('T20: cuts whoever does not come to the end of the handshake', () =>
    withServer(
      async ({ url, port }) => {
        const slow = Array.from({ length: 20 }, () => connectPlain(port, '127.0.0.1').on('error', () => {}));
        await Promise.all(slow.map((socket) => once(socket, 'connect')));
        // The beginning of a hello, whose end never comes.
        for (const socket of slow) socket.write(Buffer.from([0x16, 3, 1, 2, 0]));
        await Promise.all(slow.map((socket) => closed(socket)));
        // An honest one may need longer than that too, where there is much to do.
        await expect
          .poll(
            () =>
              get(toolsOf(url), { ca }).then(
                ({ status }) => status,
                () => 'cut',
              ),
            { timeout: 10_000 },
          )
          .toBe(200);
      },
      { tls: { ...server, handshakeTimeoutMs: 300 } },
    ));

  it('answers to the names it is told, as without TLS', () =>
    withServer(
      async ({ url }) => {
        const named = (name: string) => get(toolsOf(url), { ca, headers: { host: name }, checkServerIdentity: () => undefined }).then(({ status }) => status);
        expect(await Promise.all(['hub.example.org', 'hub.example.org:443', '127.0.0.1', 'evil.example.org'].map(named))).toEqual([200, 200, 200, 403]);
      },
      { tls: server, allowedHosts: ['hub.example.org'] },
    ));

  it('keeps the limits of a plain one', async () => {
    await withServer(
      async ({ port }) => {
        // One sends half of its headers, one half of its body.
        const begun = [
          'GET /mcp/tools HTTP/1.1\r\nHost: 127',
          `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nX-Api-Key: alice-key\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
        ];
        const sockets = begun.map(() =>
          connect({ host, port, ca })
            .on('error', () => {})
            .resume(),
        );
        for (const [at, socket] of sockets.entries()) socket.write(begun[at] ?? '');
        await Promise.all(sockets.map((socket) => closed(socket)));
      },
      { tls: server, headersTimeoutMs: 200, requestTimeoutMs: 300 },
    );
    await withServer(
      async ({ url }) => {
        const long = await get(toolsOf(url), { ca, headers: { 'x-long': 'x'.repeat(20_000) } });
        expect(long.status).toBe(431);
        const big = await fetchOver(url, 'x'.repeat(2_000));
        expect(big).toBe(413);
      },
      { tls: server, maxBodyBytes: 1_024 },
    );
  });

  it('closes at once while some are in a handshake and others have sent nothing', async () => {
    const closing = await serveHttp(testHub(), { port: 0, authenticator, tls: server });
    const silent = connectPlain(closing.port, '127.0.0.1').on('error', () => {});
    const idle = connect({ host, port: closing.port, ca }).on('error', () => {});
    await Promise.all([once(silent, 'connect'), once(idle, 'secureConnect')]);
    const ended = Promise.all([closed(silent), closed(idle)]);
    await closing.close();
    await ended;
  });

  it('refuses to start with a key that is not its own, and to ask for certificates nobody vouches for', async () => {
    const other = await authority.issue();
    await expect(serveHttp(createHub(), { port: 0, authenticator, tls: { ...server, key: other.key } })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(serveHttp(createHub(), { port: 0, authenticator, tls: { ...server, requestClientCertificate: 'optional' } })).rejects.toThrow(/no authority/);
  });

  it('takes WebSockets, on its own port and on that of HTTP', async () => {
    const { headers, message } = modernRequest('tools/call', { name: 'whoami', arguments: {} });
    const whoami = async (url: string) => {
      const socket = new WebSocket(url, 'mcp', { ca, headers: { authorization: headers.authorization } });
      await once(socket, 'open');
      socket.send(JSON.stringify(message));
      const [answer] = await once(socket, 'message');
      socket.close();
      await closed(socket);
      return JSON.parse(String(answer)).result.structuredContent;
    };
    await withServer(async ({ url }) => expect(await whoami(url.replace('https:', 'wss:'))).toEqual({ id: 'alice', face: 'ws' }), { tls: server });
    await using hub = testHub();
    await using alone = await serveWebSocket(hub, { port: 0, authenticator, tls: server });
    expect(alone.url).toMatch(/^wss:/);
    expect(await whoami(alone.url)).toEqual({ id: 'alice', face: 'ws' });
  });
});

describe('changing certificates', () => {
  it('drops no connection and no request, and shows the new one to whoever comes next', async () => {
    const next = await authority.issue();
    const source = changing(server);
    await withServer(
      async ({ url }) => {
        const before = (await get(toolsOf(url), { ca })).serial;
        const agents = Array.from({ length: 20 }, () => new Agent({ ca, keepAlive: true, maxSockets: 1 }));
        let changed = false;
        // Each goes on until it has made ten requests after the change.
        const answers = agents.map(async (keepAlive) => {
          const own: { status: number; serial: string }[] = [];
          for (let after = 0; after < 10; own.push(await get(toolsOf(url), { keepAlive }))) if (changed) after++;
          return own;
        });
        await get(toolsOf(url), { ca });
        source.change(next);
        changed = true;
        const now = (await get(toolsOf(url), { ca })).serial;
        expect(now).not.toBe(before);
        for (const own of await Promise.all(answers)) {
          expect(own.every(({ status }) => status === 200)).toBe(true);
          // The same connection as before: nobody shook hands again.
          expect(new Set(own.map(({ serial }) => serial))).toEqual(new Set([before]));
        }
        for (const agent of agents) agent.destroy();
      },
      { tls: { source } },
    );
  });

  it('keeps the old ones when the new ones cannot be used, and says so', async () => {
    const source = changing(server);
    const errors: unknown[] = [];
    await withServer(
      async ({ url }) => {
        source.change({ ...server, key: (await authority.issue()).key });
        expect(errors).toMatchObject([{ code: 'INVALID_INPUT' }]);
        expect(await get(toolsOf(url), { ca })).toMatchObject({ status: 200 });
      },
      { tls: { source }, onError: (error) => errors.push(error) },
    );
  });

  it('takes clients of a new authority, and none of the old one any more', async () => {
    const other = await createAuthority('CN=Another');
    const names: JsonGeneralName[] = [{ type: 'url', value: 'urn:a' }];
    const [old, young] = await Promise.all([authority.issue({ use: 'client', names }), other.issue({ use: 'client', names })]);
    const source = changing({ ...server, ca });
    await withServer(
      async ({ url }) => {
        expect(await get(toolsOf(url), { ca, ...old })).toMatchObject({ status: 200 });
        source.change({ ...server, ca: other.ca });
        await expect(get(toolsOf(url), { ca, ...old })).rejects.toThrow();
        expect(await get(toolsOf(url), { ca, ...young })).toMatchObject({ status: 200 });
      },
      { tls: { source, requestClientCertificate: 'required' } },
    );
  });
});

describe('client certificates', () => {
  const clientWith = (...names: JsonGeneralName[]) => authority.issue({ use: 'client', names });
  const connectionOf = async (client: Partial<Issued>, tls: object = clients) => {
    const { seen, authenticator } = recorder();
    await withServer(async ({ url }) => expect(await get(toolsOf(url), { ca, ...client })).toMatchObject({ status: 200 }), {
      authenticator,
      tls: tls as typeof clients,
    });
    return seen[0];
  };

  it('come to the authenticator with their names and thumbprint', async () => {
    const connection = await connectionOf(await clientWith({ type: 'url', value: 'urn:meshwork:agent:a' }, { type: 'dns', value: 'a.example.org' }));
    expect(connection?.certificate).toEqual({
      names: ['URI:urn:meshwork:agent:a', 'DNS:a.example.org'],
      thumbprint: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    });
  });

  it.each([
    ['a DNS name that ends another', [{ type: 'dns', value: 'evil.example.org, DNS:admin.example.org' }], ['DNS:evil.example.org, DNS:admin.example.org']],
    ['a DNS name with a URI in it', [{ type: 'dns', value: 'x, URI:urn:meshwork:agent:admin' }], ['DNS:x, URI:urn:meshwork:agent:admin']],
    ['a name with quotes', [{ type: 'dns', value: 'x", URI:urn:admin, DNS:"y' }], ['DNS:x", URI:urn:admin, DNS:"y']],
    ['a URI with a name in it', [{ type: 'url', value: 'urn:a, URI:urn:admin' }], ['URI:urn:a, URI:urn:admin']],
    ['a name cut by a zero', [{ type: 'dns', value: 'admin.example.org\0.evil.org' }], ['DNS:admin.example.org\0.evil.org']],
    ['a name with a line break', [{ type: 'url', value: 'urn:a\nURI:urn:admin' }], ['URI:urn:a\nURI:urn:admin']],
  ] satisfies [string, JsonGeneralName[], string[]][])('have as many names as were signed: %s', async (_what, names, expected) => {
    expect((await connectionOf(await clientWith(...names)))?.certificate?.names).toEqual(expected);
  });

  it('have exactly the names that were signed, whatever is in them', async () => {
    const { seen, authenticator } = recorder();
    const text = fc.string({ unit: fc.constantFrom(...'ab:/.,"\\\'= \n\0*@%', ', URI:', '", DNS:"', 'urn:meshwork:agent:a'), minLength: 1, maxLength: 12 });
    const names = fc.array(fc.record({ type: fc.constantFrom('dns' as const, 'url' as const), value: text }), { minLength: 1, maxLength: 4 });
    await withServer(
      async ({ url }) => {
        await fc.assert(
          fc.asyncProperty(names, async (signed) => {
            await get(toolsOf(url), { ca, ...(await clientWith(...signed)) });
            expect(seen.at(-1)?.certificate?.names).toEqual(signed.map(({ type, value }) => `${type === 'dns' ? 'DNS' : 'URI'}:${value}`));
          }),
          { numRuns: 100 },
        );
      },
      { authenticator, tls: clients },
    );
  });

  it('that expired, are not good yet, or come from elsewhere count as none, or are refused where one is required', async () => {
    const elsewhere = await createAuthority('CN=Elsewhere');
    const names: JsonGeneralName[] = [{ type: 'url', value: 'urn:a' }];
    const foreign = await elsewhere.issue({ use: 'client', names });
    const expired = await authority.issue({ use: 'client', names, fromDays: -9, untilDays: -1 });
    const early = await authority.issue({ use: 'client', names, fromDays: 0.5 });
    const ofServer = await authority.issue({ names });
    for (const client of [foreign, expired, early, ofServer, {}]) {
      const connection = await connectionOf(client);
      expect(connection).toMatchObject({ encrypted: true });
      expect(connection).not.toHaveProperty('certificate');
      await expect(connectionOf(client, { ...clients, requestClientCertificate: 'required' })).rejects.toThrow();
    }
  });

  it('are of the connection only while they are good, however long it lasts', async () => {
    const { seen, authenticator } = recorder();
    const client = await clientWith({ type: 'url', value: 'urn:a' });
    await withServer(
      async ({ url }) => {
        const keepAlive = new Agent({ ca, ...client, keepAlive: true, maxSockets: 1 });
        await get(toolsOf(url), { keepAlive });
        const tomorrow = Date.now() + 2 * 86_400_000;
        const now = vi.spyOn(Date, 'now').mockReturnValue(tomorrow);
        await get(toolsOf(url), { keepAlive }).finally(() => now.mockRestore());
        expect(seen.map(({ certificate }) => certificate !== undefined)).toEqual([true, false]);
        expect(new Set(seen.map(({ channelBinding }) => channelBinding)).size).toBe(1);
        keepAlive.destroy();
      },
      { authenticator, tls: clients },
    );
  });

  it('are not asked for unless they should be', async () => {
    expect(await connectionOf(await clientWith({ type: 'url', value: 'urn:a' }), server)).not.toHaveProperty('certificate');
  });

  it('come with WebSockets too', async () => {
    const { seen, authenticator } = recorder();
    const client = await clientWith({ type: 'url', value: 'urn:a' });
    await withServer(
      async ({ url }) => {
        const socket = new WebSocket(url.replace('https:', 'wss:'), 'mcp', { ca, ...client });
        await once(socket, 'open');
        socket.terminate();
        await closed(socket);
      },
      { authenticator, tls: clients },
    );
    expect(seen[0]?.certificate?.names).toEqual(['URI:urn:a']);
  });
});

describe('a connection that goes on with an earlier session', () => {
  const names: JsonGeneralName[] = [{ type: 'url', value: 'urn:a' }];

  /** Asks once, and gives back what it needs to go on; `undefined` when it is not let in. */
  async function ask(port: number, options: ConnectionOptions): Promise<{ readonly session: Buffer; readonly reused: boolean } | undefined> {
    const socket = connect({ host, port, ca, ...options });
    let session: Buffer = Buffer.alloc(0);
    socket.on('session', (ticket) => {
      session = ticket;
    });
    const answered = new Promise<boolean>((resolve) =>
      socket
        .once('data', () => resolve(true))
        .on('error', () => {})
        .once('close', () => resolve(false)),
    );
    socket.write(`GET /mcp/tools HTTP/1.1\r\nHost: ${host}\r\nX-Api-Key: a\r\n\r\n`);
    const reused = (await answered) && socket.isSessionReused();
    const isIn = await answered;
    socket.destroy();
    return isIn || session.length > 0 ? { session, reused } : undefined;
  }

  it('has the certificate of then, and no better one', async () => {
    const foreign = await (await createAuthority('CN=Elsewhere')).issue({ use: 'client', names });
    const expired = await authority.issue({ use: 'client', names, fromDays: -9, untilDays: -1 });
    const { seen, authenticator } = recorder();
    await withServer(
      async ({ port }) => {
        for (const [client, has] of [
          [await authority.issue({ use: 'client', names }), true],
          [foreign, false],
          [expired, false],
          [{}, false],
        ] as const) {
          const first = await ask(port, client);
          const second = await ask(port, { session: first?.session });
          expect([first?.reused, second?.reused]).toEqual([false, true]);
          expect(seen.splice(0).map(({ certificate }) => certificate !== undefined)).toEqual([has, has]);
        }
      },
      { authenticator, tls: clients },
    );
  });

  it('is not let in by a session it got while it was refused', async () => {
    const foreign = await (await createAuthority('CN=Elsewhere')).issue({ use: 'client', names });
    const { seen, authenticator } = recorder();
    await withServer(
      async ({ port }) => {
        for (const client of [foreign, {}]) {
          const refused = await ask(port, client);
          await ask(port, { ...client, ...(refused !== undefined && { session: refused.session }) });
        }
      },
      { authenticator, tls: { ...clients, requestClientCertificate: 'required' } },
    );
    expect(seen).toEqual([]);
  });

  it('shakes hands anew once the certificates have changed', async () => {
    const source = changing({ ...server, ca });
    const { seen, authenticator } = recorder();
    await withServer(
      async ({ port }) => {
        const client = await authority.issue({ use: 'client', names });
        const first = await ask(port, client);
        source.change({ ...server, ca: (await createAuthority('CN=Another')).ca });
        const second = await ask(port, { session: first?.session });
        expect(second?.reused).toBe(false);
        expect(seen.map(({ certificate }) => certificate !== undefined)).toEqual([true, false]);
      },
      { authenticator, tls: { source, requestClientCertificate: 'optional' } },
    );
  });
});

describe('what a TLS connection alone has', () => {
  it('is known to both ends, the same for each request, and another for each connection', async () => {
    const { seen, authenticator } = recorder();
    await withServer(
      async ({ url }) => {
        for (const _connection of [1, 2]) {
          const socket = connect({ host, port: portOf(url), ca });
          await once(socket, 'secureConnect');
          for (const _request of [1, 2]) {
            socket.write(`GET /mcp/tools HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: a\r\n\r\n`);
            await once(socket, 'data');
            const binding = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)).toString('base64url');
            expect(seen.at(-1)?.channelBinding).toBe(binding);
          }
          socket.destroy();
        }
      },
      { authenticator, tls: server },
    );
    expect(new Set(seen.map(({ channelBinding }) => channelBinding)).size).toBe(2);
  });

  it('is what a WebSocket connection is looked at with each time, so that what is bound to it stays', async () => {
    const { seen, authenticator } = recorder();
    const client = await authority.issue({ use: 'client', names: [{ type: 'url', value: 'urn:a' }] });
    await withServer(
      async ({ url }) => {
        const socket = new WebSocket(url.replace('https:', 'wss:'), 'mcp', { ca, ...client, headers: { 'x-api-key': 'a' } });
        await once(socket, 'open');
        await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThan(5);
        expect(socket.readyState).toBe(WebSocket.OPEN);
        socket.terminate();
        await closed(socket);
      },
      { authenticator, tls: clients, webSocket: { reauthenticateMs: 10 } },
    );
    const facts = seen.map(({ channelBinding, encrypted, remoteAddress, certificate, request: carrying }) =>
      JSON.stringify([channelBinding, encrypted, remoteAddress, certificate?.thumbprint, carrying?.header('x-api-key')]),
    );
    expect(new Set(facts).size).toBe(1);
    expect(seen[0]).toMatchObject({ channelBinding: expect.any(String), encrypted: true, remoteAddress: host });
  });
});
