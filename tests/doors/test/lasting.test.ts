import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, createHub, createMemoryStore, type Store } from '@meshwork/core';
import { type Guardian, guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createAgentKey, createSessionKeeper } from '@meshwork/guardian/agent';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { manualClock } from '@meshwork/testing';
import { type ServeHttpOptions, serveHttp } from '@meshwork/transports';
import { afterEach, describe, expect, it } from 'vitest';
import { lasting, webSocketClient } from '../src/lasting.ts';

const engine = createCedarEngine({ policies: standardPolicies, schema: standardSchema });
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function running({ store, clock, ...options }: Partial<ServeHttpOptions> & { store?: Store; clock?: Clock } = {}) {
  const guard = guardian({
    store: store ?? createMemoryStore(),
    engine,
    sessions: { audience: 'http://hub/mcp' },
    certificateAgents: 'urn:meshwork:agent:',
    ...(clock && { clock }),
  });
  const hub = createHub({ modules: [guard] });
  const server = await serveHttp(hub, { port: 0, authenticator: guard.authenticator, closeGraceMs: 100, ...options });
  closers.push(
    () => hub.close(),
    () => server.close(),
  );
  return { guard, hub, url: server.url };
}

async function keyOf(guard: Guardian, terms: { ttlMs?: number } = {}) {
  if ((await guard.agents.get('a')) === undefined) await guard.agents.add({ name: 'a' });
  const { key, apiKey } = await guard.keys.create({ agent: 'a', ...terms });
  return { key, id: apiKey.id };
}

/** How it ended, or that it has not within the time. */
const within = (ms: number, ended: Promise<string>) => Promise.race([ended, sleep(ms, 'still open')]);
const faces = Object.entries(lasting);

describe.each(faces)('%s', (face, open) => {
  /** What each protocol can say about its end. */
  const says = (why: 'expired' | 'not known') => {
    if (face.startsWith('WebSocket')) return new RegExp(`^${why === 'expired' ? 4402 : 4401} .*${why}`);
    if (face.startsWith('subscriptions')) return new RegExp(`"id":7,"error":\\{"code":-31401,"message":"[^"]*${why}[^"]*","data":\\{"code":"UNAUTHENTICATED"`);
    return /^(?!still open|cut)/;
  };

  it('ends at once when its key is revoked, and not when another one is', async () => {
    const { guard, url } = await running();
    const key = await keyOf(guard);
    const other = await keyOf(guard);
    const stream = await open(url, key.key);
    await guard.keys.revoke(other.id);
    expect(await within(100, stream.ended)).toBe('still open');
    await guard.keys.revoke(key.id);
    expect(await within(1_000, stream.ended)).toMatch(says('not known'));
  });

  it('ends when its key was revoked on another hub, and that is known here', async () => {
    const clock = manualClock();
    const store = createMemoryStore();
    const here = await running({ store, clock, reauthenticateMs: 40 });
    const there = await running({ store, clock });
    const key = await keyOf(there.guard);
    const stream = await open(here.url, key.key);
    await there.guard.keys.revoke(key.id);
    expect(await within(150, stream.ended)).toBe('still open');
    clock.advance(5_000);
    expect(await within(1_000, stream.ended)).toMatch(says('not known'));
  });

  it('ends when its key expires', async () => {
    const { guard, url } = await running();
    const { key } = await keyOf(guard, { ttlMs: 600 });
    const stream = await open(url, key);
    expect(await within(150, stream.ended)).toBe('still open');
    expect(await within(1_500, stream.ended)).toMatch(says('expired'));
  });

  it('ends with the session it was opened with, and that with its key', async () => {
    const { guard, hub, url } = await running();
    const { token, end, key } = await sessionOn({ guard, hub });
    const first = await open(url, await token());
    await end();
    expect(await within(1_000, first.ended)).toMatch(says('not known'));
    const second = await open(url, await token());
    await guard.keys.revoke(key.id);
    expect(await within(1_000, second.ended)).toMatch(says('not known'));
  });

  it('goes on while its session holds, however often it is looked at', async () => {
    const { guard, hub, url } = await running({ reauthenticateMs: 20 });
    const { token } = await sessionOn({ guard, hub });
    const stream = await open(url, await token());
    expect(await within(400, stream.ended)).toBe('still open');
    stream.close();
  });
});

describe('a session of a 2025 client', () => {
  it('goes on when its key is replaced by another of the same agent', async () => {
    const { guard, url } = await running();
    const [first, second] = [await keyOf(guard), await keyOf(guard)];
    const initialize = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
    const post = (key: string, session: string | null, message: object) =>
      fetch(url, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...(session !== null && { 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' }),
        },
        body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      });
    const opened = await post(first.key, null, { id: 1, method: 'initialize', params: initialize });
    const session = opened.headers.get('mcp-session-id');
    await opened.text();
    await guard.keys.revoke(first.id);
    const read = { id: 2, method: 'resources/read', params: { uri: 'grants://active' } };
    expect(await (await post(second.key, session, read)).text()).toContain('"contents"');
    expect((await post(first.key, session, read)).status).toBe(401);
  });
});

/** The handshake of an agent that holds one API key. */
async function sessionOn({ guard, hub }: Pick<Awaited<ReturnType<typeof running>>, 'guard' | 'hub'>, clock?: Clock) {
  const key = await keyOf(guard);
  const { publicKey, privateKey } = await createAgentKey();
  await guard.agentKeys.add('a', publicKey);
  const call = async (credential: string, name: string, args: object) => {
    const principal = await guard.authenticator.authenticate(credential, { via: 'http', remoteAddress: '127.0.0.1', encrypted: false });
    if (principal === undefined) throw new Error('the credential opens nothing');
    return hub.call({ name, arguments: args, principal, face: 'local' });
  };
  const keeper = createSessionKeeper({ call: (name, args) => call(key.key, name, args), agentId: 'a', privateKey, ...(clock && { clock }) });
  return {
    key,
    token: keeper.token,
    async end() {
      await call(await keeper.token(), 'session_end', {});
      keeper.forget();
    },
  };
}

describe('a WebSocket connection of an agent that renews its session', () => {
  it('goes on over the end of a session, with nothing lost and nothing opened anew', async () => {
    const clock = manualClock();
    const { guard, hub, url } = await running({ clock, webSocket: { reauthenticateMs: 20, resumeMs: 500 } });
    const { token } = await sessionOn({ guard, hub }, clock);
    const given: string[] = [];
    const client = await webSocketClient(url, async () => {
      given.push(await token());
      return given.at(-1) ?? '';
    });
    closers.push(() => client.close());
    let closed = false;
    client.onclose = () => {
      closed = true;
    };
    for (let renewal = 1; renewal <= 3; renewal++) {
      // The hub reckons with the session's end by its own clock, and finds it over when it looks.
      clock.advance(306_000);
      await expect.poll(() => given.length, { timeout: 5_000 }).toBe(renewal + 1);
      expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    }
    expect(new Set(given).size).toBe(4);
    expect(closed).toBe(false);
    for (const { id } of await guard.keys.list({ agent: 'a' })) await guard.keys.revoke(id);
    // Its client asks for another key as long as the hub would wait for it, and gets none.
    await expect.poll(() => closed, { timeout: 5_000 }).toBe(true);
  });
});
