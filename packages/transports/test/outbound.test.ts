import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGuardedFetch, type ResolveHost } from '@meshwork/transports/outbound';
import { afterEach, describe, expect, it, vi } from 'vitest';

const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

/** A real server on this machine, and the paths it was asked for. */
async function serve(listener: RequestListener): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    listener(request, response);
  });
  closings.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, asked };
}

const at =
  (...addresses: string[]): ResolveHost =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
const refused = { code: 'OUTBOUND_REFUSED' };
const unavailable = { code: 'UNAVAILABLE' };

describe('T24: a URL the hub is told to fetch', () => {
  it.each([
    'http://idp.example/',
    'ftp://idp.example/',
    'file:///etc/passwd',
    'data:text/plain,x',
    'not a url',
    'https://user:secret@idp.example/',
    'https://user@idp.example/',
  ])('is refused when it is %s', async (url) => {
    const resolve = vi.fn(at('8.8.8.8'));
    await expect(createGuardedFetch({ resolve })(url)).rejects.toMatchObject(refused);
    expect(resolve).not.toHaveBeenCalled();
  });

  it.each([
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '0x7f.1',
    '0x7f000001',
    '0177.0.0.1',
    '2130706433',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.169.254',
    '0xa9fea9fe',
    '198.18.0.1',
    '192.0.2.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[::127.0.0.1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    '[fd00:ec2::254]',
    '[fe80::1]',
    '[fec0::1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::1]',
    '[2002:7f00:1::]',
    '[2001::1]',
    '[2001:db8::1]',
    '[4000::1]',
  ])('is refused when its host is the address %s', async (host) => {
    await expect(createGuardedFetch()(`https://${host}/keys`)).rejects.toMatchObject(refused);
  });

  it.each([
    [['127.0.0.1']],
    [['169.254.169.254']],
    [['fd00:ec2::254']],
    [['::ffff:10.0.0.1']],
    [['64:ff9b::a00:1']],
    [['8.8.8.8', '10.0.0.1']],
    [['010.0.0.1']],
    [['8.8.8.8', 'not an address']],
  ])('is refused when its name leads to %j', async (addresses) => {
    await expect(createGuardedFetch({ resolve: at(...addresses) })('https://idp.example/keys')).rejects.toMatchObject(refused);
  });

  it.each(['localhost', 'LOCALHOST', 'localhost.', 'a.localhost'])('is refused when it names this machine as %s', async (host) => {
    await expect(createGuardedFetch({ resolve: at('127.0.0.1', '::1') })(`https://${host}/`)).rejects.toMatchObject(refused);
  });

  it('says nothing of where it led when it is refused', async () => {
    const error = await createGuardedFetch({ resolve: at('10.11.12.13') })('https://idp.example/keys').catch((thrown: Error) => thrown);
    expect(JSON.stringify([(error as Error).message, error])).not.toContain('10.11.12.13');
  });
});

describe('hosts an operator allows', () => {
  it('may be private and may speak http', async () => {
    const { port } = await serve((_, response) => response.end('here'));
    const guarded = createGuardedFetch({ allow: ['IDP.internal'], resolve: at('127.0.0.1') });
    expect(await (await guarded(`http://idp.internal.:${port}/`)).text()).toBe('here');
    expect(await (await createGuardedFetch({ allow: ['127.0.0.0/8'] })(`http://127.0.0.1:${port}/`)).text()).toBe('here');
    expect(await (await createGuardedFetch({ allow: ['127.0.0.1'] })(`http://127.0.0.1:${port}/`)).text()).toBe('here');
  });

  it('do not open the door for others, nor for http to a name that only leads into an allowed network', async () => {
    const guarded = createGuardedFetch({ allow: ['idp.internal', '10.0.0.0/8'], resolve: at('127.0.0.1') });
    await expect(guarded('https://other.internal/')).rejects.toMatchObject(refused);
    await expect(guarded('http://idp.internal.evil.example/')).rejects.toMatchObject(refused);
    await expect(createGuardedFetch({ allow: ['10.0.0.0/8'], resolve: at('10.0.0.1') })('http://idp.internal/')).rejects.toMatchObject(refused);
  });

  it.each(['169.254.169.254', 'fd00:ec2::254', 'fe80::1', '64:ff9b::7f00:1', '0.0.0.0'])('never lead to %s, whatever is allowed', async (address) => {
    const allow = ['idp.internal', '0.0.0.0/0', '::/0'];
    await expect(createGuardedFetch({ allow, resolve: at(address) })('https://idp.internal/')).rejects.toMatchObject(refused);
  });

  it.each(['*', '10.0.0.0/99', 'https://idp.example', ''])('cannot be written as %j', (entry) => {
    expect(() => createGuardedFetch({ allow: [entry] })).toThrow(TypeError);
  });
});

describe('T24: a name whose addresses change between look-ups', () => {
  it('is connected to at the address that was looked at, and looked up once a request', async () => {
    const { port, asked } = await serve((_, response) => response.end('the one that was looked at'));
    const answers = [['127.0.0.1'], ['10.0.0.1'], ['127.0.0.1']];
    const resolve = vi.fn<ResolveHost>(async (name) => at(...(answers.shift() ?? []))(name));
    const guarded = createGuardedFetch({ allow: ['127.0.0.0/8', 'rebinding.invalid'], resolve });
    // No name server knows the name: whoever asked one again could not connect.
    expect(await (await guarded(`http://rebinding.invalid:${port}/first`)).text()).toBe('the one that was looked at');
    expect(resolve).toHaveBeenCalledTimes(1);
    const strict = createGuardedFetch({ allow: ['127.0.0.0/8'], resolve });
    await expect(strict(`https://rebinding.invalid:${port}/second`)).rejects.toMatchObject(refused);
    expect(asked).toEqual(['/first']);
  });
});

describe('T24: an answer', () => {
  const local = (options = {}) => createGuardedFetch({ allow: ['127.0.0.1'], ...options });

  it('comes whole, with its status and headers', async () => {
    const { port } = await serve((request, response) => {
      response.writeHead(404, { 'content-type': 'application/json', 'x-method': String(request.method) });
      response.end('{"a":1}');
    });
    const answer = await local()(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x' });
    expect([answer.status, answer.headers.get('x-method'), await answer.json()]).toEqual([404, 'POST', { a: 1 }]);
  });

  it.each([301, 302, 303, 307, 308])('that redirects (%i) is not followed, and where to is not said', async (status) => {
    const { port, asked } = await serve((_, response) => {
      response.writeHead(status, { location: '/secret-place' });
      response.end();
    });
    const error = await local()(`http://127.0.0.1:${port}/`).catch((thrown: Error) => thrown);
    expect(error).toMatchObject(unavailable);
    expect(String(error)).not.toContain('secret-place');
    expect(asked).toEqual(['/']);
  });

  it('without an end is cut at the limit', async () => {
    const { promise: cut, resolve: wasCut } = Promise.withResolvers<void>();
    const { port } = await serve((_, response) => {
      const more = () => {
        while (response.write('x'.repeat(1_024)));
      };
      response.on('drain', more);
      response.on('close', () => wasCut());
      more();
    });
    await expect(local({ maxBytes: 10_000 })(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringMatching(/more than 10000 bytes/),
    });
    await cut;
  });

  it('of exactly the limit is taken, one byte more is not', async () => {
    const { port } = await serve((request, response) => response.end('x'.repeat(Number(request.url?.slice(1)))));
    expect((await (await local({ maxBytes: 100 })(`http://127.0.0.1:${port}/100`)).text()).length).toBe(100);
    await expect(local({ maxBytes: 100 })(`http://127.0.0.1:${port}/101`)).rejects.toMatchObject(unavailable);
  });

  it.each([
    ['headers', undefined],
    ['body', 'the beginning'],
  ])('whose %s never comes is given up, and its connection closed', async (_, beginning) => {
    const { promise: closed, resolve: wasClosed } = Promise.withResolvers<void>();
    const { port } = await serve((_request, response) => {
      response.on('close', () => wasClosed());
      if (beginning !== undefined) response.write(beginning);
    });
    await expect(local({ timeoutMs: 100 })(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringMatching(/within 100 ms/),
    });
    await closed;
  });

  it('is not waited for when the name server does not answer either', async () => {
    const guarded = createGuardedFetch({ timeoutMs: 50, resolve: () => new Promise(() => {}) });
    await expect(guarded('https://idp.example/')).rejects.toMatchObject(unavailable);
  });

  it('is not waited for once the caller has given up', async () => {
    const { port } = await serve(() => controller.abort());
    const controller = new AbortController();
    await expect(local()(`http://127.0.0.1:${port}/`, { signal: controller.signal })).rejects.toMatchObject(unavailable);
  });

  it('that breaks off is no answer, and a closed port says no more than that', async () => {
    const { port } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('part');
      response.socket?.destroySoon();
    });
    await expect(local()(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(unavailable);
    const gone = await serve(() => {});
    closings.pop()?.();
    const error = await local()(`http://127.0.0.1:${gone.port}/`).catch((thrown: Error) => thrown);
    expect(error).toMatchObject(unavailable);
    expect((error as Error).cause).toBeUndefined();
  });

  it('never comes by way of a proxy from the environment', async () => {
    const proxy = await serve((_, response) => response.end('the proxy'));
    const { port } = await serve((_, response) => response.end('the server itself'));
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY']) vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`);
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    expect(await (await local()(`http://127.0.0.1:${port}/`)).text()).toBe('the server itself');
    expect(proxy.asked).toEqual([]);
  });
});
