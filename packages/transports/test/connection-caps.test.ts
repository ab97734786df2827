import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createAuthority } from './authority.ts';
import { closed, get, getPlain } from './tls-client.ts';
import { withServer } from './world.ts';

const toolsOf = (url: string) => `${url}/tools`;

/** Opens connections that stay silent; says how many of them are cut. */
async function crowd(port: number, size: number, localAddress = '127.0.0.1') {
  const sockets: Socket[] = [];
  let cut = 0;
  for (let at = 0; at < size; at++) {
    const socket = connect({ host: '127.0.0.1', port, localAddress }).on('error', () => {});
    socket.on('close', () => cut++);
    await once(socket, 'connect');
    sockets.push(socket);
  }
  return {
    cut: () => cut,
    async leave() {
      const gone = Promise.all(sockets.filter((socket) => !socket.closed).map((socket) => closed(socket)));
      for (const socket of sockets) socket.destroy();
      await gone;
    },
  };
}

describe('T20: the connections of one address', () => {
  it('are as many as the cap: of 200 beyond it each is cut, others are served, and room is given back', () =>
    withServer(
      async ({ url, port }) => {
        const many = await crowd(port, 264);
        await expect.poll(() => many.cut()).toBe(200);
        await expect(getPlain(toolsOf(url))).rejects.toThrow();
        expect(await getPlain(toolsOf(url), {}, '127.0.0.2')).toBe(200);
        await many.leave();
        // The server hears of it when it hears of it.
        await expect.poll(() => getPlain(toolsOf(url)).catch(() => 'cut')).toBe(200);
      },
      { maxConnectionsPerAddress: 64 },
    ));

  it('count while they are in a TLS handshake, and are forgotten when it ends', async () => {
    const authority = await createAuthority();
    const { ca } = authority;
    const server = await authority.issue();
    await withServer(
      async ({ url, port }) => {
        const many = await crowd(port, 10);
        await expect.poll(() => many.cut()).toBe(7);
        await expect(get(toolsOf(url), { ca })).rejects.toThrow();
        await many.leave();
        await expect
          .poll(() =>
            get(toolsOf(url), { ca }).then(
              ({ status }) => status,
              () => 'cut',
            ),
          )
          .toBe(200);
        for (let each = 0; each < 10; each++)
          await expect
            .poll(() =>
              get(toolsOf(url), { ca }).then(
                ({ status }) => status,
                () => 'cut',
              ),
            )
            .toBe(200);
      },
      { maxConnectionsPerAddress: 3, tls: server },
    );
  });

  it('are not counted for this machine unless a cap is given, nor for proxies', async () => {
    for (const options of [{}, { maxConnectionsPerAddress: 3, trustedProxies: ['127.0.0.1'] }])
      await withServer(async ({ url, port }) => {
        const many = await crowd(port, 200);
        expect(await getPlain(toolsOf(url))).toBe(200);
        expect(many.cut()).toBe(0);
        await many.leave();
      }, options);
  });
});

describe('T20: the connections of all', () => {
  it('are as many as the cap, proxies or not', () =>
    withServer(
      async ({ url, port }) => {
        const many = await crowd(port, 5, '127.0.0.2');
        await expect(getPlain(toolsOf(url))).rejects.toThrow();
        await many.leave();
        await expect.poll(() => getPlain(toolsOf(url)).catch(() => 'cut')).toBe(200);
      },
      { maxConnections: 5, trustedProxies: ['127.0.0.1'] },
    ));
});
