import { randomBytes } from 'node:crypto';
import type { PeerHandler } from '@meshwork/blackboard';
import { EXCHANGE_TOOL, peerExchange } from '@meshwork/blackboard';
import { InvalidInputError, type Principal } from '@meshwork/core';
import { serveHttp } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { createMcpPeerLink } from '../src/boards/mcp-peer-link.ts';
import { dataFolder } from '../src/data-folder.ts';
import { connectHub } from '../src/remote-hub.ts';
import { startHub } from '../src/start-hub.ts';
import { inFolder } from './program.ts';

const never = () => ({ signal: new AbortController().signal });
const isTwin = ({ kind, id }: Principal) => kind === 'agent' && id === 'hub-b';

/** A hub over HTTP with somebody who answers every message with itself, reversed. */
async function startPeer(folder: string, port = 0) {
  const heard: { from: string; message: Buffer }[] = [];
  let answering: Promise<void> = Promise.resolve();
  let asked = 0;
  const peer: PeerHandler = {
    async answer({ name }, message) {
      asked += 1;
      await answering;
      if (message.length === 0) throw new InvalidInputError('an empty message is none');
      return Buffer.concat([Buffer.from(name), Buffer.from(message).reverse()]);
    },
    hear: ({ name }, message) => void heard.push({ from: name, message: Buffer.from(message) }),
  };
  const running = await startHub({
    folder: dataFolder(folder),
    modules: [peerExchange({ peer, peerOf: (principal) => (isTwin(principal) ? 'b' : undefined) })],
  });
  const keyOf = async (name: string) =>
    (await running.guardian.agents.get(name)) === undefined ? (await running.guardian.agents.add({ name })).key : undefined;
  const keys = { twin: await keyOf('hub-b'), other: await keyOf('ana') };
  const server = await serveHttp(running.hub, { port, authenticator: running.guardian.authenticator });
  return {
    ...server,
    url: server.url,
    keys,
    heard,
    asked: () => asked,
    running,
    hold(until: Promise<void>) {
      answering = until;
    },
    async stop() {
      await server.close();
      await running.close();
    },
  };
}

const linkTo = ({ url, keys }: Awaited<ReturnType<typeof startPeer>>, more: object = {}) =>
  createMcpPeerLink({ peer: 'a', url, ...(keys.twin !== undefined && { key: keys.twin }), ...more });

describe('a link to a peer over MCP', () => {
  it('asks, tells, and says whom the peer verified', () =>
    inFolder(async (folder) => {
      const peer = await startPeer(folder);
      await using link = linkTo(peer);
      expect(Buffer.from(await link.request(Buffer.from('xyz'), never())).toString()).toBe('bzyx');
      for (let n = 0; n < 200; n++) link.send(Buffer.from(`message ${n}`));
      await expect.poll(() => peer.heard.length, { timeout: 20_000 }).toBe(200);
      expect(peer.heard.map(({ message }) => message.toString())).toEqual(Array.from({ length: 200 }, (_, n) => `message ${n}`));
      expect(new Set(peer.heard.map(({ from }) => from))).toEqual(new Set(['b']));
      await peer.stop();
    }));

  it('carries messages larger than a call, both ways and several at once', () =>
    inFolder(async (folder) => {
      const peer = await startPeer(folder);
      await using link = linkTo(peer);
      const large = [1, 180_000, 180_001, 3_000_000].map((size) => randomBytes(size));
      const answers = await Promise.all(large.map((message) => link.request(message, never())));
      for (const [index, message] of large.entries())
        expect(Buffer.compare(Buffer.from(answers[index] ?? []), Buffer.concat([Buffer.from('b'), Buffer.from(message).reverse()]))).toBe(0);
      const told = randomBytes(700_000);
      link.send(told);
      await expect.poll(() => peer.heard.length, { timeout: 20_000 }).toBe(1);
      expect(peer.heard[0]?.message.equals(told)).toBe(true);
      await peer.stop();
    }));

  it('is unavailable while the peer is away, and goes on when it is back', () =>
    inFolder(async (folder) => {
      const peer = await startPeer(folder);
      await using link = linkTo(peer);
      await link.request(Buffer.from('a'), never());
      await using other = linkTo(peer);
      const port = Number(new URL(peer.url).port);
      await peer.stop();
      await expect(link.request(Buffer.from('a'), never())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      link.send(Buffer.from('lost'));
      // A link that was never there before comes up as well.
      await expect(other.request(Buffer.from('a'), never())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      const again = await startPeer(folder, port);
      for (const each of [link, other])
        await expect.poll(() => each.request(Buffer.from('a'), never()).then(String, () => undefined), { timeout: 20_000 }).toBeDefined();
      await again.stop();
    }));

  it('gives up when it is told to, and leaves room for others then', () =>
    inFolder(async (folder) => {
      const peer = await startPeer(folder);
      await using link = linkTo(peer, { maxConcurrent: 1 });
      await link.request(Buffer.from('a'), never());
      let release = () => {};
      peer.hold(new Promise((resolve) => (release = resolve)));
      const [first, second] = [new AbortController(), new AbortController()];
      const stuck = link.request(Buffer.from('a'), { signal: first.signal });
      const queued = link.request(Buffer.from('b'), { signal: second.signal });
      second.abort(new Error('not in the queue'));
      await expect(queued).rejects.toThrow('not in the queue');
      first.abort(new Error('not any more'));
      await expect(stuck).rejects.toThrow('not any more');
      release();
      expect(Buffer.from(await link.request(Buffer.from('c'), never())).toString()).toBe('bc');
      await peer.stop();
    }));

  it('ends what waits for an answer when it is closed, and takes nothing more', () =>
    inFolder(async (folder) => {
      const peer = await startPeer(folder);
      const link = linkTo(peer);
      await link.request(Buffer.from('a'), never());
      let release = () => {};
      peer.hold(new Promise((resolve) => (release = resolve)));
      const stuck = link.request(Buffer.from('b'), never());
      stuck.catch(() => {});
      await expect.poll(peer.asked).toBe(2);
      await link[Symbol.asyncDispose]();
      await expect(stuck).rejects.toThrow('the link to a is closed');
      release();
      await expect(link.request(Buffer.from('c'), never())).rejects.toThrow('the link to a is closed');
      await peer.stop();
    }));

  it('says that the peer refuses', () =>
    inFolder(async (folder) => {
      const peer = await startPeer(folder);
      await using link = linkTo(peer);
      await expect(link.request(Buffer.from(''), never())).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('INVALID_INPUT') });
      await using stranger = linkTo({ ...peer, keys: { ...peer.keys, twin: 'mw_no_such_key' } });
      await expect(stranger.request(Buffer.from('a'), never())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await peer.stop();
    }));
});

describe('T34: the tool that peers call', () => {
  it('is neither shown to others nor of use to them, admins among them', () =>
    inFolder(async (folder) => {
      const peer = await startPeer(folder);
      const { readAdminKey } = await import('../src/data-folder.ts');
      const admin = await readAdminKey(dataFolder(folder));
      for (const key of [peer.keys.other, admin]) {
        await using hub = await connectHub({ url: peer.url, key });
        expect((await hub.tools()).map(({ name }) => name)).not.toContain(EXCHANGE_TOOL);
        const refused = await hub.callRaw(EXCHANGE_TOOL, { ask: 'aGk=', tell: ['aGk='] });
        expect(refused).toMatchObject({ isError: true, structuredContent: { code: 'DENIED' } });
      }
      await using hub = await connectHub({ url: peer.url, key: peer.keys.twin });
      expect((await hub.tools()).map(({ name }) => name)).toContain(EXCHANGE_TOOL);
      expect(peer.heard).toEqual([]);
      await peer.stop();
    }));

  it.each<[string, object]>([
    ['no base64', { ask: '*' }],
    ['no base64 among others', { tell: ['aGk=', '*'] }],
    ['a part that does not follow', { ask: 'aGk=', part: { id: 'x', index: 1, count: 2 } }],
    ['a part beside another message', { ask: 'aGk=', tell: ['aGk='], part: { id: 'x', index: 0, count: 2 } }],
    ['a part of nothing', { part: { id: 'x', index: 0, count: 1 } }],
  ])('refuses %s, and nothing is heard', (_what, args) =>
    inFolder(async (folder) => {
      const peer = await startPeer(folder);
      await using hub = await connectHub({ url: peer.url, key: peer.keys.twin });
      expect(await hub.callRaw(EXCHANGE_TOOL, args as never)).toMatchObject({ isError: true, structuredContent: { code: 'INVALID_INPUT' } });
      expect(peer.heard).toEqual([]);
      await peer.stop();
    }),
  );
});
