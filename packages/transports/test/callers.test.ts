import { once } from 'node:events';
import { connect } from 'node:net';
import { createFetchHandler, serveHttp, serveWebSocket } from '@meshwork/transports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createAuthority } from './authority.ts';
import { closed, get, getPlain, recorder } from './tls-client.ts';
import { alice, testHub, withServer } from './world.ts';

const toolsOf = (url: string) => `${url}/tools`;

/** What the authenticator is told of a request with these headers, from 127.0.0.1. */
async function toldOf(headers: Record<string, string>, trustedProxies?: string[]) {
  const { seen, authenticator } = recorder();
  await withServer(async ({ url }) => void (await getPlain(toolsOf(url), headers)), { authenticator, ...(trustedProxies && { trustedProxies }) });
  const { remoteAddress, encrypted, forwarded } = seen[0] ?? {};
  return { remoteAddress, encrypted, forwarded };
}
const known = (remoteAddress: string, encrypted = false) => ({ remoteAddress, encrypted, forwarded: 'known' });
const unknown = { remoteAddress: '127.0.0.1', encrypted: false, forwarded: 'unknown' };

describe('T13: forwarding headers of somebody who is no trusted proxy', () => {
  it.each([
    { 'x-forwarded-for': '10.0.0.1' },
    { 'x-forwarded-for': '127.0.0.1' },
    { forwarded: 'for=10.0.0.1;proto=https' },
    { 'x-real-ip': '10.0.0.1' },
    { via: '1.1 proxy' },
    { 'x-forwarded-proto': 'https' },
  ])('change neither the address nor the encryption, and show that a proxy is in between: %j', async (headers) => {
    expect(await toldOf(headers)).toEqual(unknown);
    expect(await toldOf(headers, ['127.0.0.2'])).toEqual(unknown);
  });

  it('are not missed where there are none', async () => {
    expect(await toldOf({})).toEqual({ remoteAddress: '127.0.0.1', encrypted: false, forwarded: undefined });
  });
});

describe('T13: forwarding headers of a trusted proxy', () => {
  const proxies = ['127.0.0.1', '10.9.0.0/16', '2001:db8:9::/48'];

  it.each<[Record<string, string>, object]>([
    [{ 'x-forwarded-for': '203.0.113.7' }, known('203.0.113.7')],
    [{ 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' }, known('203.0.113.7', true)],
    [{ 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https, http' }, known('203.0.113.7')],
    [{ 'x-forwarded-for': '127.0.0.1, 10.0.0.1, 203.0.113.7' }, known('203.0.113.7')],
    [{ 'x-forwarded-for': 'rubbish, 203.0.113.7' }, known('203.0.113.7')],
    [{ 'x-forwarded-for': '198.51.100.1, 203.0.113.7, 10.9.1.1, 10.9.2.2' }, known('203.0.113.7')],
    [{ 'x-forwarded-for': '10.9.1.1, 10.9.2.2' }, known('10.9.1.1')],
    [{ 'x-forwarded-for': '203.0.113.7:4711' }, known('203.0.113.7')],
    [{ 'x-forwarded-for': '::ffff:203.0.113.7' }, known('203.0.113.7')],
    [{ 'x-forwarded-for': '2001:db8::7, 2001:db8:9::1' }, known('2001:db8::7')],
    [{ 'x-forwarded-for': '127.0.0.2' }, known('127.0.0.2')],
    [{ forwarded: 'for=203.0.113.7;proto=https;by=10.9.1.1' }, known('203.0.113.7', true)],
    [{ forwarded: 'For="[2001:db8::7]:4711"; Proto=HTTPS' }, known('2001:db8::7', true)],
    [{ forwarded: 'for=198.51.100.1;proto=https, for=203.0.113.7;proto=http' }, known('203.0.113.7')],
    [{ forwarded: 'for=203.0.113.7;proto=https, for=10.9.1.1;proto=http' }, known('203.0.113.7')],
    [{ forwarded: 'for=203.0.113.7;proto=https', 'x-forwarded-for': '203.0.113.7' }, known('203.0.113.7', true)],
    // One of the two is the caller's own.
    [{ forwarded: 'for=10.0.0.1', 'x-forwarded-for': '203.0.113.7' }, unknown],
    [{ forwarded: 'for=unknown', 'x-forwarded-for': '203.0.113.7' }, unknown],
    // It has to say who calls.
    [{}, unknown],
    [{ 'x-real-ip': '203.0.113.7' }, unknown],
    [{ 'x-forwarded-for': '' }, unknown],
    [{ 'x-forwarded-for': 'unknown' }, unknown],
    [{ 'x-forwarded-for': '203.0.113.7, ' }, unknown],
    [{ 'x-forwarded-for': '010.0.0.1' }, unknown],
    [{ 'x-forwarded-for': '0x7f.1' }, unknown],
    [{ 'x-forwarded-for': '2130706433' }, unknown],
    [{ 'x-forwarded-for': '::ffff:010.0.0.1' }, unknown],
    [{ 'x-forwarded-for': '::10.0.0.1' }, unknown],
    [{ 'x-forwarded-for': '::127.0.0.1' }, unknown],
    [{ 'x-forwarded-for': '203.0.113.7 10.0.0.1' }, unknown],
    [{ forwarded: 'for=_hidden' }, unknown],
    [{ forwarded: 'for=2001:db8::7' }, unknown],
    [{ forwarded: 'for="2001:db8::7' }, unknown],
    [{ forwarded: 'for=203.0.113.7;for=10.0.0.1' }, unknown],
    [{ forwarded: 'for=10.0.0.1;by=", for="[2001:db8::7]"' }, unknown],
    [{ forwarded: 'for=10.0.0.1;by="\\, for=203.0.113.7' }, unknown],
    [{ forwarded: '203.0.113.7' }, unknown],
  ])('%j say %j', async (headers, expected) => {
    expect(await toldOf(headers, proxies)).toEqual(expected);
  });

  it('never make a caller choose its address: whatever it sends stands left of what the proxy adds', () =>
    withServerOf(proxies, async (ask) => {
      await fc.assert(
        fc.asyncProperty(fc.stringMatching(/^[\x21-\x7e][\x20-\x7e]{0,40}$/), async (own) => {
          expect(await ask({ 'x-forwarded-for': `${own}, 203.0.113.7` })).toEqual(known('203.0.113.7'));
          // A header that cannot be read as a whole has no right end to go by.
          expect([known('203.0.113.7'), unknown]).toContainEqual(await ask({ forwarded: `${own}, for=203.0.113.7` }));
        }),
        { numRuns: 300 },
      );
    }));

  it('hide what the proxy itself has: its certificate is not its callers’', async () => {
    const authority = await createAuthority();
    const [server, proxy] = await Promise.all([authority.issue(), authority.issue({ use: 'client', names: [{ type: 'url', value: 'urn:proxy' }] })]);
    const { seen, authenticator } = recorder();
    const tls = { ...server, ca: authority.ca, requestClientCertificate: 'required' } as const;
    for (const trustedProxies of [['127.0.0.1'], []])
      await withServer(async ({ url }) => void (await get(toolsOf(url), { ca: authority.ca, ...proxy, headers: { 'x-forwarded-for': '203.0.113.7' } })), {
        authenticator,
        tls,
        trustedProxies,
      });
    expect(seen).toHaveLength(2);
    for (const connection of seen) for (const fact of ['certificate', 'channelBinding']) expect(connection).not.toHaveProperty(fact);
  });

  it('count for WebSockets too', async () => {
    const { seen, authenticator } = recorder();
    await using hub = testHub();
    await using server = await serveWebSocket(hub, { port: 0, authenticator, trustedProxies: ['127.0.0.1'] });
    const socket = new WebSocket(server.url, 'mcp', { headers: { 'x-forwarded-for': '127.0.0.1, 203.0.113.7' } });
    await once(socket, 'open');
    socket.terminate();
    await closed(socket);
    expect(seen[0]).toMatchObject(known('203.0.113.7'));
  });

  it('count behind a fetch handler, for the address its host gives', async () => {
    const { seen, authenticator } = recorder();
    await using hub = testHub();
    const handler = createFetchHandler(hub, { authenticator, trustedProxies: ['10.9.0.0/16'] });
    const request = () => new Request('http://localhost/mcp/tools', { headers: { host: 'localhost', 'x-forwarded-for': '203.0.113.7' } });
    await handler(request(), { remoteAddress: '10.9.1.1' });
    await handler(request(), { remoteAddress: '198.51.100.1' });
    await handler(request());
    expect(seen).toMatchObject([known('203.0.113.7'), { remoteAddress: '198.51.100.1', forwarded: 'unknown' }, { forwarded: 'unknown' }]);
  });
});

describe('lists of addresses', () => {
  const statusFrom = async (options: object, localAddress = '127.0.0.1', headers: Record<string, string> = {}) => {
    let status: number | 'cut' = 'cut';
    await withServer(async ({ url }) => {
      status = await getPlain(toolsOf(url), headers, localAddress).catch(() => 'cut' as const);
    }, options);
    return status;
  };

  it('turn away who is not allowed, and who is denied, before anything is read', async () => {
    expect(await statusFrom({ allowAddresses: ['127.0.0.1'] })).toBe(200);
    expect(await statusFrom({ allowAddresses: ['127.0.0.0/31'] }, '127.0.0.2')).toBe('cut');
    expect(await statusFrom({ allowAddresses: [] })).toBe('cut');
    expect(await statusFrom({ denyAddresses: ['127.0.0.2'] })).toBe(200);
    expect(await statusFrom({ denyAddresses: ['127.0.0.2'] }, '127.0.0.2')).toBe('cut');
    expect(await statusFrom({ allowAddresses: ['127.0.0.0/8'], denyAddresses: ['127.0.0.2'] }, '127.0.0.2')).toBe('cut');
  });

  it('see an IPv4 caller also on an IPv6 socket', async () => {
    const onBoth = { host: '::' };
    const statusOnBoth = async (options: object) => {
      await using hub = testHub();
      await using server = await serveHttp(hub, { port: 0, authenticator: { everybody: alice }, ...onBoth, ...options });
      return await getPlain(`http://127.0.0.1:${server.port}/mcp/tools`).catch(() => 'cut');
    };
    expect(await statusOnBoth({ allowAddresses: ['127.0.0.1'] })).toBe(200);
    expect(await statusOnBoth({ denyAddresses: ['127.0.0.0/8'] })).toBe('cut');
    expect(await statusOnBoth({ allowAddresses: ['10.0.0.0/8'] })).toBe('cut');
  });

  it('count for who is behind a proxy, with an answer', async () => {
    const behind = { trustedProxies: ['127.0.0.1'], allowAddresses: ['203.0.113.0/24'], denyAddresses: ['203.0.113.66'] };
    const from = (address: string) => statusFrom(behind, '127.0.0.1', { 'x-forwarded-for': address });
    expect(await from('203.0.113.7')).toBe(200);
    expect(await from('203.0.113.66')).toBe(403);
    expect(await from('198.51.100.1')).toBe(403);
    expect(await from('203.0.113.7, 198.51.100.1')).toBe(403);
    expect(await from('unknown')).toBe(403);
    // Its own address is allowed; who it speaks for is not known.
    expect(await statusFrom({ trustedProxies: ['127.0.0.1'], allowAddresses: ['127.0.0.1'] }, '127.0.0.1', { 'x-forwarded-for': 'unknown' })).toBe(403);
  });

  it('cannot be passed by a header of one’s own', async () => {
    const rules = { trustedProxies: ['127.0.0.9'], allowAddresses: ['203.0.113.7', '127.0.0.1'], denyAddresses: ['127.0.0.2'] };
    expect(await statusFrom(rules, '127.0.0.2', { 'x-forwarded-for': '203.0.113.7' })).toBe('cut');
    expect(await statusFrom(rules, '127.0.0.3', { 'x-forwarded-for': '203.0.113.7' })).toBe('cut');
  });

  it('cut a connection before TLS begins', async () => {
    const server = await (await createAuthority()).issue();
    await withServer(
      async ({ port }) => {
        const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' }).on('error', () => {});
        socket.on('data', () => expect.unreachable());
        await closed(socket);
      },
      { tls: server, denyAddresses: ['127.0.0.2'] },
    );
  });

  it.each(['10.0.0.0/33', '10.0.0', '010.0.0.0/8', '::ffff:10.0.0.0/104', 'example.org', '10.0.0.0/8/8', ''])('refuse to start with %j', async (wrong) => {
    for (const option of ['trustedProxies', 'allowAddresses', 'denyAddresses']) {
      const starting = serveHttp(testHub(), { port: 0, authenticator: { everybody: alice }, [option]: [wrong] });
      await expect(starting).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining(option) });
    }
  });
});

async function withServerOf(trustedProxies: string[], work: (ask: (headers: Record<string, string>) => Promise<object>) => Promise<void>) {
  const { seen, authenticator } = recorder();
  await withServer(
    ({ url }) =>
      work(async (headers) => {
        await getPlain(toolsOf(url), headers);
        const { remoteAddress, encrypted, forwarded } = seen.at(-1) ?? {};
        return { remoteAddress, encrypted, forwarded };
      }),
    { authenticator, trustedProxies },
  );
}
