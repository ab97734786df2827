import { createMemoryStore } from '@meshwork/core';
import { guardian } from '@meshwork/guardian';
import { createAgentKey } from '@meshwork/guardian/agent';
import { manualClock } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { challengeBytes } from '../src/sessions/challenge-text.ts';
import { engine, from } from './hub-with-guardian.ts';
import { answerTo, audience, handshake, sessionWorld, signWith } from './hub-with-sessions.ts';

const onChannel = (channelBinding: string) => ({ ...from.external, encrypted: true, channelBinding });

describe('the handshake', () => {
  it('gives an agent that signs the nonce a session, which is a credential', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const challenge = await hub.call(a.principal, 'auth_challenge', { audience });
    expect(challenge).toMatchObject({ audience, agent_id: 'a', kids: [a.pair.kid], nonce: expect.stringMatching(/^[\w-]{43}$/) });
    expect(Date.parse(String(challenge.expires_at)) - hub.clock.now()).toBe(30_000);
    const opened = await hub.call(a.principal, 'auth_respond', await answerTo(challenge.nonce, a));
    expect(opened).toMatchObject({ session_token: expect.stringMatching(/^ey/), expires_in_ms: 300_000 });
    expect(await hub.who(opened.session_token)).toEqual({
      id: 'a',
      kind: 'agent',
      roles: [],
      zone: 'local',
      trust: 0.9,
      method: 'session',
      actsFor: [],
      address: '127.0.0.1',
      credentialId: expect.stringMatching(/^ses_/),
      proven: [`jkt:${a.pair.kid}`],
      expiresAt: Math.floor(hub.clock.now() / 1_000) * 1_000 + 300_000,
      openedWith: { method: 'api-key', keyId: a.apiKey.slice(3, 19) },
    });
    expect((await hub.who(opened.session_token, from.external))?.zone).toBe('external');
  });

  it('is open to agents from outside', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a', from.external);
    expect(await handshake(hub, a)).toHaveProperty('session_token');
  });

  it('is for agents, not for admins', async () => {
    const { admin, call } = sessionWorld();
    expect(await call(await admin(), 'auth_challenge', {})).toMatchObject({ code: 'DENIED' });
  });

  it('renews a session with the session itself, and still asks for the key', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const { session_token: token } = await handshake(hub, a);
    const principal = await hub.who(token);
    if (principal === undefined) throw new Error('the session was not accepted');
    expect(await handshake(hub, { ...a, principal })).toHaveProperty('session_token');
    expect(await handshake(hub, { ...a, principal, pair: await createAgentKey() })).toMatchObject({ code: 'CHALLENGE_FAILED' });
  });

  it('allows no more than the credential it was opened with, and belongs to whom that belongs to', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const terms = { owner: 'someone', organisation: 'acme', scopes: ['read:invoices'] };
    const { session_token: token } = await handshake(hub, { ...a, principal: { ...a.principal, ...terms } });
    const fresh = sessionWorld({ store: hub.store, clock: hub.clock });
    for (const each of [hub, fresh]) expect(await each.who(token)).toMatchObject(terms);
    const principal = await hub.who(token);
    if (principal === undefined) throw new Error('the session was not accepted');
    const { session_token: renewed } = await handshake(hub, { ...a, principal });
    expect(await hub.who(renewed)).toMatchObject(terms);
    const tooMany = Array.from({ length: 400 }, (_, index) => `scope:${index}`);
    expect(await handshake(hub, { ...a, principal: { ...a.principal, scopes: tooMany } })).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('tells who opens, ends and fails', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const told: unknown[] = [];
    for (const name of ['session-opened', 'session-ended'] as const) hub.guard.events.on(name, (event) => told.push([name, event]));
    hub.guard.events.on('session-opened', () => {
      throw new Error('a listener that fails');
    });
    const { session_token: token } = await handshake(hub, a);
    const principal = await hub.who(token);
    if (principal === undefined) throw new Error('the session was not accepted');
    await hub.call(principal, 'session_end', {});
    const sessionId = principal.credentialId;
    expect(told).toEqual([
      ['session-opened', { sessionId, agent: 'a', kid: a.pair.kid, expiresAt: expect.any(String) }],
      ['session-ended', { sessionId, agent: 'a' }],
    ]);
    expect(JSON.stringify(told)).not.toContain(token);
  });
});

describe('T01: a nonce', () => {
  it('is good once: a replay is refused by its name and told', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const { nonce } = await hub.call(a.principal, 'auth_challenge', {});
    const answer = await answerTo(nonce, a);
    expect(await hub.call(a.principal, 'auth_respond', answer)).toHaveProperty('session_token');
    expect(await hub.call(a.principal, 'auth_respond', answer)).toMatchObject({ code: 'REPLAYED' });
    expect(hub.refusals).toEqual(['replay']);
  });

  it('is used up by a wrong answer too, before the signature is looked at', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const { nonce } = await hub.call(a.principal, 'auth_challenge', {});
    expect(
      await hub.call(a.principal, 'auth_respond', await answerTo(nonce, { name: 'a', pair: { ...a.pair, privateKey: (await createAgentKey()).privateKey } })),
    ).toMatchObject({
      code: 'CHALLENGE_FAILED',
    });
    expect(await hub.call(a.principal, 'auth_respond', await answerTo(nonce, a))).toMatchObject({ code: 'REPLAYED' });
    expect(hub.refusals).toEqual(['bad-signature', 'replay']);
  });

  it('is good once over all hubs of one store', async () => {
    const clock = manualClock();
    const store = createMemoryStore({ clock });
    const [one, two] = [sessionWorld({ store, clock }), sessionWorld({ store, clock })];
    const a = await one.member('a');
    const { nonce } = await one.call(a.principal, 'auth_challenge', {});
    const answer = await answerTo(nonce, a);
    const opened = await two.call(a.principal, 'auth_respond', answer);
    expect(await one.who(opened.session_token)).toMatchObject({ id: 'a', method: 'session' });
    expect(await one.call(a.principal, 'auth_respond', answer)).toMatchObject({ code: 'REPLAYED' });
  });

  it('gives exactly one session to fifty answers at once, on two hubs', async () => {
    const clock = manualClock();
    const store = createMemoryStore({ clock });
    const hubs = [sessionWorld({ store, clock }), sessionWorld({ store, clock })] as const;
    const a = await hubs[0].member('a');
    const { nonce } = await hubs[0].call(a.principal, 'auth_challenge', {});
    const answer = await answerTo(nonce, a);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => hubs[index % 2 === 0 ? 0 : 1].call(a.principal, 'auth_respond', answer)));
    expect(answers.filter((each) => 'session_token' in each)).toHaveLength(1);
    expect(answers.filter((each) => each.code === 'REPLAYED')).toHaveLength(49);
  });

  it('expires after 30 seconds', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const { nonce: early } = await hub.call(a.principal, 'auth_challenge', {});
    const { nonce: late } = await hub.call(a.principal, 'auth_challenge', {});
    hub.clock.advance(29_999);
    expect(await hub.call(a.principal, 'auth_respond', await answerTo(early, a))).toHaveProperty('session_token');
    hub.clock.advance(1);
    expect(await hub.call(a.principal, 'auth_respond', await answerTo(late, a))).toMatchObject({ code: 'CHALLENGE_FAILED' });
    expect(hub.refusals).toEqual(['expired']);
  });

  it('is worth nothing when the clock was set back under it and the hub was restarted', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const { nonce } = await hub.call(a.principal, 'auth_challenge', {});
    hub.clock.jump(-6_000);
    const restarted = sessionWorld({ store: hub.store, clock: hub.clock });
    expect(await restarted.call(a.principal, 'auth_respond', await answerTo(nonce, a))).toMatchObject({ code: 'CHALLENGE_FAILED' });
  });

  it('waits with at most seven others of its agent, whatever asks at once', async () => {
    const hub = sessionWorld();
    const [a, b] = [await hub.member('a'), await hub.member('b')];
    const asked = await Promise.all(Array.from({ length: 12 }, () => hub.call(a.principal, 'auth_challenge', {})));
    expect(asked.filter((each) => 'nonce' in each)).toHaveLength(8);
    expect(asked.find((each) => 'code' in each)).toMatchObject({ code: 'LIMITED', retryAfterMs: 30_000 });
    expect(await hub.call(b.principal, 'auth_challenge', {})).toHaveProperty('nonce');
    hub.clock.advance(30_000);
    expect(await hub.call(a.principal, 'auth_challenge', {})).toHaveProperty('nonce');
  });

  it('is for the agent that asked', async () => {
    const hub = sessionWorld();
    const [a, b] = [await hub.member('a'), await hub.member('b')];
    const { nonce } = await hub.call(a.principal, 'auth_challenge', {});
    expect(await hub.call(b.principal, 'auth_respond', await answerTo(nonce, b))).toMatchObject({ code: 'CHALLENGE_FAILED' });
    expect(await hub.call(b.principal, 'auth_respond', await answerTo(nonce, a))).toMatchObject({ code: 'CHALLENGE_FAILED' });
    expect(await hub.call(a.principal, 'auth_respond', await answerTo(nonce, a))).toHaveProperty('session_token');
  });

  it('is for the hub that gave it, even where two share a store', async () => {
    const clock = manualClock();
    const store = createMemoryStore({ clock });
    const other = 'https://other.example/mcp';
    const [one, two] = [sessionWorld({ store, clock }), sessionWorld({ store, clock, sessions: { audience: other } })];
    const a = await one.member('a');
    for (const signedFor of [audience, other]) {
      const { nonce } = await one.call(a.principal, 'auth_challenge', {});
      expect(await two.call(a.principal, 'auth_respond', await answerTo(nonce, a, { audience: signedFor }))).toMatchObject({ code: 'CHALLENGE_FAILED' });
    }
    expect(two.refusals).toEqual(['other-audience', 'other-audience']);
    expect(await one.call(a.principal, 'auth_challenge', { audience: other })).toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('a signature', () => {
  it.each([
    ['another hub', { audience: 'https://evil.example/mcp' }],
    ['another agent', { agentId: 'b' }],
    ['another key', { kid: 'A'.repeat(43) }],
    ['another nonce', { nonce: 'A'.repeat(43) }],
    ['a channel', { channel: 'c2Vzc2lvbg' }],
    ['fields that run into each other', { agentId: '', kid: 'a' }],
  ])('for %s opens nothing', async (_, other) => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const { nonce } = await hub.call(a.principal, 'auth_challenge', {});
    expect(await hub.call(a.principal, 'auth_respond', await answerTo(nonce, a, other))).toMatchObject({ code: 'CHALLENGE_FAILED' });
    expect(hub.refusals).toEqual(['bad-signature']);
  });

  it('over the same bytes without the domain opens nothing', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const { nonce } = await hub.call(a.principal, 'auth_challenge', {});
    const whole = challengeBytes({ audience, agentId: 'a', kid: a.pair.kid, nonce: String(nonce), channel: '' });
    const signature = await signWith(a.pair, whole.slice('meshwork-auth-v1\0'.length));
    expect(await hub.call(a.principal, 'auth_respond', { nonce, kid: a.pair.kid, signature })).toMatchObject({ code: 'CHALLENGE_FAILED' });
  });

  it('has one text', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a');
    const { nonce } = await hub.call(a.principal, 'auth_challenge', {});
    const { signature, ...rest } = await answerTo(nonce, a);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const next = alphabet[alphabet.indexOf(signature.slice(-1)) + 1];
    const twin = signature.slice(0, -1) + next;
    expect(Buffer.from(twin, 'base64url')).toEqual(Buffer.from(signature, 'base64url'));
    expect(await hub.call(a.principal, 'auth_respond', { ...rest, signature: twin })).toMatchObject({ code: 'CHALLENGE_FAILED' });
  });

  it('is over bytes that are written down: the domain, then each field after its length', () => {
    const bytes = challengeBytes({ audience: 'h', agentId: 'é', kid: 'k', nonce: 'n', channel: '' });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      `${Buffer.from('meshwork-auth-v1\0').toString('hex')}0000000168${'00000002c3a9'}${'000000016b'}${'000000016e'}${'00000000'}`,
    );
  });
});

describe('T01: a channel', () => {
  it('that the agent signed makes the session good there alone', async () => {
    const hub = sessionWorld();
    const here = onChannel('aGVyZQ');
    const a = await hub.member('a', here);
    const { nonce } = await hub.call(a.principal, 'auth_challenge', {});
    const answer = await answerTo(nonce, a, { channel: 'aGVyZQ' });
    const { session_token: token } = await hub.call(a.principal, 'auth_respond', { ...answer, channel_bound: true });
    expect(await hub.who(token, here)).toMatchObject({ id: 'a', channelBinding: 'aGVyZQ' });
    for (const elsewhere of [onChannel('dGhlcmU'), from.local, from.external]) expect(await hub.who(token, elsewhere)).toBeUndefined();
    expect(await hub.who(token, here)).toBeDefined();
  });

  it('is not taken from an answer that comes by another, or by none', async () => {
    const hub = sessionWorld();
    const a = await hub.member('a', onChannel('aGVyZQ'));
    for (const elsewhere of [onChannel('dGhlcmU'), from.local]) {
      const { nonce } = await hub.call(a.principal, 'auth_challenge', {});
      const other = await hub.who(a.apiKey, elsewhere);
      if (other === undefined) throw new Error('the key was not accepted');
      const answer = await answerTo(nonce, a, { channel: 'aGVyZQ' });
      expect(await hub.call(other, 'auth_respond', { ...answer, channel_bound: true })).toMatchObject({ code: 'CHALLENGE_FAILED' });
    }
    expect(hub.refusals).toEqual(['other-channel', 'other-channel']);
  });

  it('that a go-between has with the hub is not the one the agent signed', async () => {
    const hub = sessionWorld();
    const goBetween = onChannel('dGhlcmU');
    const a = await hub.member('a', goBetween);
    for (const channel_bound of [true, false]) {
      const { nonce } = await hub.call(a.principal, 'auth_challenge', {});
      const answer = await answerTo(nonce, a, { channel: 'aGVyZQ' });
      expect(await hub.call(a.principal, 'auth_respond', { ...answer, channel_bound })).toMatchObject({ code: 'CHALLENGE_FAILED' });
    }
  });

  it('can be asked for: sessions that would do without are refused', async () => {
    const hub = sessionWorld({ sessions: { requireChannelBinding: true } });
    const a = await hub.member('a', from.local);
    expect(await handshake(hub, a)).toMatchObject({ code: 'CHALLENGE_FAILED' });
    const b = await hub.member('b', onChannel('aGVyZQ'));
    const { nonce } = await hub.call(b.principal, 'auth_challenge', {});
    const answer = await answerTo(nonce, b, { channel: 'aGVyZQ' });
    const { session_token: token } = await hub.call(b.principal, 'auth_respond', { ...answer, channel_bound: true });
    expect(await hub.who(token, onChannel('aGVyZQ'))).toMatchObject({ id: 'b' });
    expect(await hub.who(token, onChannel('dGhlcmU'))).toBeUndefined();
    expect(await handshake(hub, b)).toMatchObject({ code: 'CHALLENGE_FAILED' });
  });
});

describe('sessions', () => {
  it('are not there unless they are asked for', async () => {
    const guard = guardian({ store: createMemoryStore(), engine });
    expect(guard.sessions).toBeUndefined();
    expect(guard.tools?.map(({ name }) => name)).not.toContain('auth_challenge');
  });

  it.each([
    [{ audience: '' }],
    [{ audience: 'a hub' }],
    [{ audience: 'x'.repeat(257) }],
    [{ audience, ttlMs: 999 }],
    [{ audience, ttlMs: 900_001 }],
    [{ audience, ttlMs: 1_000.5 }],
  ])('refuse the options %j', (sessions) => {
    expect(() => guardian({ store: createMemoryStore(), engine, sessions })).toThrow(TypeError);
  });
});
