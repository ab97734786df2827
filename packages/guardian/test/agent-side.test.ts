import { createSessionKeeper, openSession, SessionError } from '@meshwork/guardian/agent';
import { describe, expect, it } from 'vitest';
import { from } from './hub-with-guardian.ts';
import { audience, type Member, type SessionWorld, sessionWorld } from './hub-with-sessions.ts';

/** Calls tools as an MCP client does, and counts. */
function caller({ hub }: SessionWorld, { principal }: Member) {
  const calls: string[] = [];
  const call = async (name: string, args: Record<string, unknown>) => {
    calls.push(name);
    return hub.call({ name, arguments: args, principal, face: 'local' });
  };
  return { call, calls };
}

describe('opening a session', () => {
  it('is one function', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const { call, calls } = caller(hub, a);
    const session = await openSession({ call, agentId: 'a', privateKey: a.pair.privateKey, audience });
    expect(calls).toEqual(['auth_challenge', 'auth_respond']);
    expect(session).toEqual({ token: expect.any(String), expiresAt: new Date(hub.clock.now() + 300_000), lifetimeMs: 300_000 });
    expect(await hub.who(session.token)).toMatchObject({ id: 'a', method: 'session' });
  });

  it('takes answers of REST and bare ones alike', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const bare = (name: string, args: Record<string, unknown>) => hub.call(a.principal, name, args);
    expect(await openSession({ call: bare, agentId: 'a', privateKey: a.pair.privateKey })).toHaveProperty('token');
    const problem = async () => ({ type: 'about:blank', status: 401, detail: 'no', code: 'REPLAYED' });
    await expect(openSession({ call: problem, agentId: 'a', privateKey: a.pair.privateKey })).rejects.toMatchObject({
      code: 'SESSION_REFUSED',
      details: { hubCode: 'REPLAYED' },
    });
  });

  it('can be for one connection', async () => {
    const hub = sessionWorld();
    const connection = { ...from.external, encrypted: true, channelBinding: 'aGVyZQ' };
    const a = await hub.member('a', connection);
    const { call } = caller(hub, a);
    const { token } = await openSession({ call, agentId: 'a', privateKey: a.pair.privateKey, channelBinding: 'aGVyZQ' });
    expect(await hub.who(token, connection)).toBeDefined();
    expect(await hub.who(token, from.external)).toBeUndefined();
    await expect(openSession({ call, agentId: 'a', privateKey: a.pair.privateKey, channelBinding: 'bWl0bQ' })).rejects.toThrow(SessionError);
  });

  it('signs nothing for another hub than was meant', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const { call, calls } = caller(hub, a);
    // A hub in between that passes on what another hub gave it.
    const passedOn = (name: string, args: Record<string, unknown>) => call(name, name === 'auth_challenge' ? {} : args);
    await expect(openSession({ call: passedOn, agentId: 'a', privateKey: a.pair.privateKey, audience: 'https://evil.example' })).rejects.toThrow(SessionError);
    // One that gives the challenge out as its own: what was signed is for it, and good nowhere else.
    const asItsOwn = async (name: string, args: Record<string, unknown>) => {
      if (name !== 'auth_challenge') return call(name, args);
      const answer = (await call(name, {})) as { structuredContent: object };
      return { ...answer, structuredContent: { ...answer.structuredContent, audience: 'https://evil.example' } };
    };
    await expect(openSession({ call: asItsOwn, agentId: 'a', privateKey: a.pair.privateKey, audience: 'https://evil.example' })).rejects.toThrow(SessionError);
    expect(calls).toEqual(['auth_challenge', 'auth_challenge', 'auth_respond']);
    expect(hub.refusals).toEqual(['bad-signature']);
  });

  it.each([
    ['nothing', undefined],
    ['text', 'hello'],
    ['a list', []],
    ['an empty object', {}],
    ['a nonce that is none', { nonce: 7, audience }],
    ['an answer to the end without a time', { nonce: 'n', audience, session_token: 't', expires_at: 'never', expires_in_ms: 1 }],
    ['an answer that has ended', { nonce: 'n', audience, session_token: 't', expires_at: '2026-01-01T00:00:00Z', expires_in_ms: 0 }],
    ['a failure', { isError: true, content: [] }],
  ])('fails by its own name on %s', async (_, answer) => {
    const a = await sessionWorld().member('a');
    await expect(openSession({ call: async () => answer, agentId: 'a', privateKey: a.pair.privateKey })).rejects.toThrow(SessionError);
  });
});

describe('a session keeper', () => {
  async function kept(renewBeforeMs?: number) {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const { call, calls } = caller(hub, a);
    let broken = false;
    const keeper = createSessionKeeper({
      call: async (name, args) => {
        if (broken) throw new Error('the hub is away');
        return call(name, args);
      },
      agentId: 'a',
      privateKey: a.pair.privateKey,
      audience,
      clock: hub.clock,
      ...(renewBeforeMs !== undefined && { renewBeforeMs }),
    });
    return { hub, keeper, opened: () => calls.length / 2, break: (is: boolean) => (broken = is) };
  }

  it('opens one session for many that need it at once', async () => {
    const { keeper, opened } = await kept();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => keeper.token()));
    expect(new Set(tokens).size).toBe(1);
    expect(opened()).toBe(1);
  });

  it('renews it before it ends, once, so that every token given holds', async () => {
    const { hub, keeper, opened } = await kept(60_000);
    const first = await keeper.token();
    hub.clock.advance(239_999);
    expect(await keeper.token()).toBe(first);
    hub.clock.advance(1);
    const renewed = await Promise.all([keeper.token(), keeper.token()]);
    expect(renewed[0]).not.toBe(first);
    expect(renewed[1]).toBe(renewed[0]);
    expect(opened()).toBe(2);
    expect(await hub.who(renewed[0])).toBeDefined();
  });

  it('gives the present token while the hub is away and the token holds, and then fails', async () => {
    const { hub, keeper, break: cut } = await kept();
    const first = await keeper.token();
    cut(true);
    hub.clock.advance(299_999);
    expect(await keeper.token()).toBe(first);
    hub.clock.advance(1);
    await expect(keeper.token()).rejects.toThrow('the hub is away');
    cut(false);
    expect(await hub.who(await keeper.token())).toBeDefined();
  });

  it('T10: renews it in time whatever is done to the clock, and does not mind one that is set back', async () => {
    const { hub, keeper, opened } = await kept(60_000);
    const first = await keeper.token();
    hub.clock.jump(-30_000);
    expect(await keeper.token()).toBe(first);
    hub.clock.advance(239_999);
    expect(await keeper.token()).toBe(first);
    hub.clock.advance(60_200);
    expect(await hub.who(first)).toBeUndefined();
    expect(await hub.who(await keeper.token())).toBeDefined();
    // Asleep for an hour.
    hub.clock.jump(3_600_000);
    hub.guard.clockState();
    hub.clock.advance(10_000);
    expect(await hub.who(await keeper.token())).toBeDefined();
    expect(opened()).toBe(3);
  });

  it('opens another when told to forget', async () => {
    const { hub, keeper, opened } = await kept();
    const first = await keeper.token();
    hub.clock.advance(1_000);
    keeper.forget();
    expect(await keeper.token()).not.toBe(first);
    expect(opened()).toBe(2);
  });
});
