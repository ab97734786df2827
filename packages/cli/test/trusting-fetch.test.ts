import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createTrustingFetch } from '../src/trusting-fetch.ts';

/** Works with a server that answers so, and its address. */
async function serving(answer: RequestListener, work: (url: string, server: Server) => Promise<void>): Promise<void> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, server);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Answers with what it was sent. */
const echo: RequestListener = (incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    const { method, headers } = incoming;
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify({ method, headers, body: Buffer.concat(chunks).toString() }));
  });
};

describe('a request of one hub to another', () => {
  it('goes on the connection of the one before', () => {
    let connections = 0;
    return serving(echo, async (url, server) => {
      server.on('connection', () => connections++);
      const send = createTrustingFetch();
      for (let n = 0; n < 5; n++) await (await send(url, { method: 'POST', body: String(n) })).json();
      expect(connections).toBe(1);
    });
  });

  it('carries method, headers and body, be it text, bytes or a form', () =>
    serving(echo, async (url) => {
      const send = createTrustingFetch();
      const sent = async (init: RequestInit) => (await send(url, init)).json();
      expect(await sent({ headers: { 'X-One': '1' } })).toMatchObject({ method: 'GET', headers: { 'x-one': '1' }, body: '' });
      const text = await sent({ method: 'POST', headers: new Headers({ 'content-type': 'application/json' }), body: '"ü"' });
      expect(text).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json', 'content-length': '4' }, body: '"ü"' });
      expect(await sent({ method: 'PUT', body: new Uint8Array([65, 66]) })).toMatchObject({ method: 'PUT', headers: { 'content-length': '2' }, body: 'AB' });
      const form = await sent({ method: 'POST', body: new URLSearchParams({ a: 'b c' }) });
      expect(form).toMatchObject({ headers: { 'content-type': expect.stringContaining('application/x-www-form-urlencoded') }, body: 'a=b+c' });
    }));

  it('reads JSON whose characters come in pieces', () => {
    const bytes = Buffer.from('{"a":"€€€"}');
    return serving(
      async (_incoming, outgoing) => {
        outgoing.writeHead(200, { 'content-type': 'application/json' });
        for (const byte of bytes) {
          outgoing.write(Buffer.of(byte));
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        outgoing.end();
      },
      async (url) => expect(await (await createTrustingFetch()(url)).json()).toEqual({ a: '€€€' }),
    );
  });

  it('gives a stream of events as they come', () =>
    serving(
      (_incoming, outgoing) => void outgoing.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n'),
      async (url) => {
        const { body } = await createTrustingFetch()(url);
        const reader = body?.getReader();
        expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: 1\n\n');
        await reader?.cancel();
      },
    ));

  it('follows no redirect, and gives answers without content and refusals as they are', () =>
    serving(
      ({ url }, outgoing) => void outgoing.writeHead(Number(url?.slice(1)), { location: '/elsewhere' }).end(url === '/401' ? 'no' : undefined),
      async (url) => {
        const send = createTrustingFetch();
        for (const status of [204, 302, 304, 401]) expect((await send(new URL(`/${status}`, url))).status).toBe(status);
        expect(await (await send(new URL('/401', url))).text()).toBe('no');
      },
    ));

  it('ends with the reason of its signal: before it begins, while it waits, and while the answer comes', () => {
    const reason = new Error('the caller gave up');
    return serving(
      ({ url }, outgoing) => void (url === '/begun' && outgoing.writeHead(200, { 'content-type': 'application/json' }).write('{')),
      async (url, server) => {
        const send = createTrustingFetch();
        await expect(send(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
        for (const path of ['/silent', '/begun']) {
          const giving = new AbortController();
          const [begun, answer] = [once(server, 'request'), send(new URL(path, url), { signal: giving.signal })];
          answer.catch(() => {});
          await begun;
          await new Promise((resolve) => setTimeout(resolve, 20));
          giving.abort(reason);
          await expect(answer).rejects.toBe(reason);
        }
      },
    );
  });

  it('leaves nothing behind at a signal that outlives it', () =>
    serving(echo, async (url) => {
      const send = createTrustingFetch();
      const lasting = new AbortController();
      let listeners = 0;
      const { addEventListener, removeEventListener } = lasting.signal;
      lasting.signal.addEventListener = (...args: unknown[]) => {
        listeners++;
        Reflect.apply(addEventListener, lasting.signal, args);
      };
      lasting.signal.removeEventListener = (...args: unknown[]) => {
        listeners--;
        Reflect.apply(removeEventListener, lasting.signal, args);
      };
      for (let n = 0; n < 3; n++) await (await send(url, { method: 'POST', body: '1', signal: lasting.signal })).json();
      await expect.poll(() => listeners).toBe(0);
    }));

  it('fails when nobody listens, and when the answer breaks off', () =>
    serving(
      (_incoming, outgoing) => {
        outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': 10 }).write('{');
        setTimeout(() => outgoing.destroy(), 20);
      },
      async (url) => {
        const send = createTrustingFetch();
        await expect(send(url)).rejects.toThrow(/aborted|ECONNRESET/);
        await expect(send('http://127.0.0.1:9/')).rejects.toThrow('ECONNREFUSED');
      },
    ));
});
