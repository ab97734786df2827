import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTool, type Hub, toolAnswer } from '@meshwork/core';
import { connectWebSocket, type ServeWebSocketOptions, serveWebSocket } from '@meshwork/transports';
import { Client, type Transport } from '@modelcontextprotocol/client';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { createResumableLink, type LinkPort, type ResumableLink } from '../src/streams/resumable-link.ts';
import { authenticator, modernRequest, testHub } from './world.ts';

describe('two sides of a resumable link', () => {
  /** What happens next: either side sends, a frame arrives, time passes for an acknowledgement, or the socket is lost with all that is on it. */
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), from: fc.nat(1) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('arrive' as const), from: fc.nat(1) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('tick' as const), from: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('repeat-ack' as const), from: fc.nat(1) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const), from: fc.nat(1) }) },
  );

  it('hear every frame once and in order, whatever sockets are lost and however late acknowledgements are', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.integer({ min: 1, max: 9 }), (steps, ackEvery) => {
        const sides = [0, 1].map(() => createSide(ackEvery));
        const wires: string[][] = [[], []];
        const acks: string[][] = [[], []];
        const lose = () => {
          for (const wire of wires) wire.length = 0;
          for (const each of sides) each.link.detach();
          const received = sides.map(({ link }) => link.received);
          for (const [at, each] of sides.entries()) expect(each.link.attach(portTo(wires[at]!, acks[at]!), received[1 - at]!)).toBe(true);
        };
        const arrive = (from: number) => {
          const text = wires[from]!.shift();
          if (text === undefined) return;
          const message = JSON.parse(text);
          const { link, heard } = sides[1 - from]!;
          const taken = link.take(message);
          expect(taken).not.toBe('violation');
          if (taken === 'message') heard.push(message.n);
        };
        lose();
        for (const { do: what, from } of steps) {
          const side = sides[from]!;
          if (what === 'send') expect(side.link.post(JSON.stringify({ n: ++side.sent }))).toBe(true);
          else if (what === 'arrive') arrive(from);
          else if (what === 'tick') side.tick();
          else if (what === 'repeat-ack' && acks[from]!.length > 0) wires[from]!.push(acks[from]![Math.floor(acks[from]!.length / 2)]!);
          else if (what === 'lose') lose();
        }
        lose();
        while (wires.some(({ length }) => length > 0)) for (const from of [0, 1]) arrive(from);
        for (const side of sides) side.tick();
        while (wires.some(({ length }) => length > 0)) for (const from of [0, 1]) arrive(from);
        for (const from of [0, 1]) {
          expect(sides[1 - from]!.heard).toEqual(Array.from({ length: sides[from]!.sent }, (_, at) => at + 1));
          expect(sides[from]!.link.kept).toBe(0);
        }
      }),
      { numRuns: Number(process.env.MESHWORK_RUNS ?? 2_000) },
    );
  });

  it('give up when too much is kept, but let one large frame pass', () => {
    const link = createResumableLink({ maxKeptFrames: 3, maxKeptCharacters: 10 });
    expect(link.post('x'.repeat(1_000))).toBe(true);
    expect(link.post('x')).toBe(false);
    const short = createResumableLink({ maxKeptFrames: 3, maxKeptCharacters: 10 });
    expect([1, 2, 3, 4].map(() => short.post('x'))).toEqual([true, true, true, false]);
  });

  it.each([[-1], [4], [1.5], ['1'], [undefined], [Number.NaN]])('do not believe an acknowledgement of %s frames when 3 were sent', (received) => {
    const link = createResumableLink({ maxKeptFrames: 10, maxKeptCharacters: 100 });
    for (const text of ['a', 'b', 'c']) link.post(text);
    expect(link.take({ jsonrpc: '2.0', method: 'notifications/meshwork/ack', params: { received } })).toBe('violation');
    expect(link.attach({ send: () => {} }, received as number)).toBe(false);
  });
});

interface Side {
  readonly link: ResumableLink;
  readonly heard: number[];
  sent: number;
  tick(): void;
}

function createSide(ackEvery: number): Side {
  let due: (() => void) | undefined;
  const schedule = (work: () => void) => {
    due = work;
    return () => {
      due = undefined;
    };
  };
  const link = createResumableLink({ maxKeptFrames: 1_000, maxKeptCharacters: 1e6, ackEvery, schedule });
  return { link, heard: [], sent: 0, tick: () => due?.() };
}

function portTo(wire: string[], acks: string[]): LinkPort {
  return {
    send(text) {
      wire.push(text);
      if (text.includes('meshwork/ack')) acks.push(text);
    },
  };
}

const sum = defineTool({
  name: 'sum',
  description: 'Adds, after a while.',
  category: 'test',
  effect: 'write',
  input: z.object({ n: z.number(), ms: z.number() }),
  run: async ({ n, ms }, { signal }) => {
    seen.push(n);
    await sleep(ms, undefined, { signal });
    return toolAnswer([{ type: 'text', text: String(n) }]);
  },
});
const seen: number[] = [];

async function withHub(work: (server: { url: string; hub: Hub }) => Promise<void>, options: Partial<ServeWebSocketOptions> = {}): Promise<void> {
  await using hub = testHub();
  hub.register({ tools: [sum] });
  await using server = await serveWebSocket(hub, { port: 0, authenticator, closeGraceMs: 100, ...options });
  await work({ url: server.url, hub });
}

/** A way to the server whose connections can be cut, at any byte. */
async function withBreakableWay(
  url: string,
  work: (way: { url: string; cut(): number; refuse(on: boolean): void; silence(): void }) => Promise<void>,
): Promise<void> {
  const open = new Set<Socket>();
  let refusing = false;
  const proxy = createServer((near) => {
    if (refusing) return void near.destroy();
    const far = connectTcp(Number(new URL(url).port), '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as { port: number };
  const cut = () => {
    const count = open.size;
    for (const socket of open) socket.resetAndDestroy();
    return count;
  };
  try {
    await work({
      url: url.replace(/:\d+/, `:${port}`),
      cut,
      silence: () => {
        for (const socket of open) socket.unpipe().resume();
      },
      refuse: (on) => {
        refusing = on;
      },
    });
  } finally {
    cut();
    await new Promise((resolve) => proxy.close(resolve));
  }
}

async function connected(transport: Transport, mode: 'auto' | 'legacy' = 'auto'): Promise<Client> {
  const client = new Client({ name: 'c', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return client;
}

describe('a client whose sockets are killed', () => {
  it.each([
    ["the runtime's WebSocket", undefined],
    ['ws', WebSocket],
  ])('hears every event once and in order, and has each call made once: %s', { timeout: 60_000 }, (_what, implementation) =>
    withHub(async ({ url, hub }) =>
      withBreakableWay(url, async (way) => {
        const client = await connected(
          connectWebSocket(way.url, { key: 'alice-key', firstDelayMs: 5, maxDelayMs: 20, ...(implementation && { WebSocket: implementation }) }),
        );
        const uris = Array.from({ length: 500 }, (_, at) => `board://x/${at}`);
        const heard: string[] = [];
        client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri));
        await client.listen({ resourceSubscriptions: uris });
        seen.length = 0;
        const expected: string[] = [];
        const calls: Promise<unknown>[] = [];
        let cuts = 0;
        for (let round = 0; round < 60; round++) {
          for (let each = 0; each < 100; each++) {
            const uri = uris[(round * 100 + each) % uris.length]!;
            expected.push(uri);
            hub.resourceUpdated(uri);
          }
          calls.push(client.callTool({ name: 'sum', arguments: { n: round, ms: round % 3 } }));
          await sleep(Math.random() * 6);
          if (round % 3 === 2) cuts += way.cut() > 0 ? 1 : 0;
        }
        expect(await Promise.all(calls)).toMatchObject(Array.from({ length: 60 }, (_, n) => ({ content: [{ text: String(n) }] })));
        await expect.poll(() => heard.length, { timeout: 10_000 }).toBe(expected.length);
        expect(heard).toEqual(expected);
        expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => n));
        expect(cuts).toBeGreaterThan(5);
        await client.close();
      }),
    ),
  );

  it('keeps a call under way, and its progress, while nobody can connect', () =>
    withHub(async ({ url, hub }) =>
      withBreakableWay(url, async (way) => {
        const client = await connected(connectWebSocket(way.url, { key: 'alice-key', firstDelayMs: 5, maxDelayMs: 20 }), 'legacy');
        await client.subscribeResource({ uri: 'board://x' });
        const heard: string[] = [];
        client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri));
        const answer = client.callTool({ name: 'sum', arguments: { n: 7, ms: 50 } });
        await sleep(20);
        way.refuse(true);
        way.cut();
        await sleep(20);
        hub.resourceUpdated('board://x');
        const later = client.callTool({ name: 'sum', arguments: { n: 8, ms: 0 } });
        await sleep(150);
        way.refuse(false);
        expect(await Promise.all([answer, later])).toMatchObject([{ content: [{ text: '7' }] }, { content: [{ text: '8' }] }]);
        await expect.poll(() => heard).toEqual(['board://x']);
        await client.close();
      }),
    ));

  it('notices a network that has gone without a word, and goes on over another', () =>
    withHub(
      async ({ url, hub }) =>
        withBreakableWay(url, async (way) => {
          const client = await connected(connectWebSocket(way.url, { key: 'alice-key', firstDelayMs: 5 }));
          const heard: string[] = [];
          client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri));
          await client.listen({ resourceSubscriptions: ['board://1', 'board://2'] });
          await sleep(250);
          hub.resourceUpdated('board://1');
          await expect.poll(() => heard).toEqual(['board://1']);
          way.silence();
          hub.resourceUpdated('board://2');
          await expect.poll(() => heard, { timeout: 5_000 }).toEqual(['board://1', 'board://2']);
          await client.close();
        }),
      { heartbeatMs: 50 },
    ));

  it('is told that it must begin anew when the time has passed', () =>
    withHub(
      async ({ url }) =>
        withBreakableWay(url, async (way) => {
          const transport = connectWebSocket(way.url, { key: 'alice-key', firstDelayMs: 100, maxDelayMs: 100 });
          const client = await connected(transport);
          const errors: Error[] = [];
          client.onerror = (error) => errors.push(error);
          const ended = new Promise<void>((resolve) => {
            client.onclose = resolve;
          });
          const answer = client.callTool({ name: 'sum', arguments: { n: 1, ms: 60_000 } });
          answer.catch(() => {});
          await sleep(20);
          way.cut();
          await ended;
          await expect(answer).rejects.toThrow();
          expect(errors.map(({ message }) => message).join()).toMatch(/4410|1006/);
          const again = await connected(connectWebSocket(way.url, { key: 'alice-key' }));
          expect(await again.callTool({ name: 'sum', arguments: { n: 2, ms: 0 } })).toMatchObject({ content: [{ text: '2' }] });
          await again.close();
        }),
      { resumeMs: 40 },
    ));
});

describe('the session of a resumable connection', () => {
  const open = (url: string, key = 'alice-key') => {
    const socket = new WebSocket(url, ['mcp.resume'], { headers: { authorization: `Bearer ${key}` } });
    const heard: { method?: string; id?: unknown; params: { session: string; resumed: boolean; received: number } }[] = [];
    socket.on('message', (data) => heard.push(JSON.parse(String(data))));
    socket.on('error', () => {});
    const ended = new Promise<number>((resolve) => socket.once('close', resolve));
    return { socket, heard, ended };
  };
  const firstFrame = async (client: ReturnType<typeof open>) => {
    await expect.poll(() => client.heard.length).toBeGreaterThan(0);
    return client.heard[0]!;
  };

  it('is told first, and goes on where it stopped, though the old socket seems to be there still', () =>
    withHub(async ({ url }) => {
      const first = open(url);
      const { method, params } = await firstFrame(first);
      expect(method).toBe('notifications/meshwork/session');
      expect(params).toMatchObject({ resumed: false, received: 0, resumeMs: 30_000, heartbeatMs: 30_000 });
      expect(params.session).toMatch(/^[\w-]{43}$/);
      for (const id of [1, 2, 3])
        first.socket.send(JSON.stringify({ ...modernRequest('tools/call', { name: 'sum', arguments: { n: 0, ms: 0 } }).message, id }));
      await expect.poll(() => first.heard.filter((each) => 'result' in each)).toHaveLength(3);

      const second = open(`${url}?session=${params.session}&received=1`);
      expect((await firstFrame(second)).params).toMatchObject({ session: params.session, resumed: true, received: 3 });
      expect(await first.ended).toBe(4409);
      await expect.poll(() => second.heard.slice(1).map(({ id }) => id)).toEqual([2, 3]);
      second.socket.close();
    }));

  it.each([
    ["somebody else's", 'bob-key', (session: string) => `session=${session}&received=0`],
    ['one that never was', 'alice-key', () => 'session=AAAA&received=0'],
    ['one with a count that cannot be', 'alice-key', (session: string) => `session=${session}&received=9`],
    ['one with no count', 'alice-key', (session: string) => `session=${session}`],
    ['one with a count that is no number', 'alice-key', (session: string) => `session=${session}&received=-1`],
  ])('is over for who names %s', (_what, key, query) =>
    withHub(async ({ url }) => {
      const first = open(url);
      const { params } = await firstFrame(first);
      const second = open(`${url}?${query(params.session)}`, key);
      expect(await second.ended).toBe(4410);
      first.socket.close();
    }),
  );

  it('ends with a violation when frames are acknowledged that were never sent', () =>
    withHub(async ({ url }) => {
      const client = open(url);
      await firstFrame(client);
      client.socket.send('{"jsonrpc":"2.0","method":"notifications/meshwork/ack","params":{"received":5}}');
      expect(await client.ended).toBe(1002);
    }));

  it('ends when the client ends it', () =>
    withHub(async ({ url }) => {
      const first = open(url);
      const { params } = await firstFrame(first);
      first.socket.close(1000);
      await first.ended;
      expect(await open(`${url}?session=${params.session}&received=0`).ended).toBe(4410);
    }));

  it('is cut off when its client never acknowledges', () =>
    withHub(
      async ({ url, hub }) => {
        const client = open(url);
        await firstFrame(client);
        client.socket.send(JSON.stringify(modernRequest('subscriptions/listen', { notifications: { resourceSubscriptions: ['board://x'] } }).message));
        await expect.poll(() => client.heard.length).toBe(2);
        for (let told = 0; told < 200; told++) hub.resourceUpdated('board://x');
        expect(await client.ended).toBe(4408);
      },
      { maxKeptFrames: 100 },
    ));

  it('makes way, when its client is away, for a new one of the same principal', () =>
    withHub(
      async ({ url }) => {
        const first = open(url);
        const { params } = await firstFrame(first);
        first.socket.terminate();
        await first.ended;
        await sleep(20);
        const second = open(url);
        expect((await firstFrame(second)).params.session).not.toBe(params.session);
        expect(await open(url).ended).toBe(4429);
        second.socket.close();
      },
      { maxConnectionsPerPrincipal: 1 },
    ));
});
