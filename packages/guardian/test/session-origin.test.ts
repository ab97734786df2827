import type { Connection, KeyValueStore, Principal } from '@meshwork/core';
import { createMemoryStore } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { from } from './hub-with-guardian.ts';
import { answerTo, handshake, type Member, type SessionWorld, sessionWorld } from './hub-with-sessions.ts';

const token = async (hub: SessionWorld, member: Member, principal = member.principal) => String((await handshake(hub, { ...member, principal })).session_token);

/** An agent that is in with one of its further keys. */
async function memberWith(
  hub: SessionWorld,
  terms: Omit<Parameters<SessionWorld['guard']['keys']['create']>[0], 'agent'>,
  connection: Connection = from.local,
) {
  const member = await hub.member('a');
  const { key, apiKey } = await hub.guard.keys.create({ agent: 'a', ...terms });
  const principal = (await hub.who(key, connection)) as Principal;
  return { member: { ...member, principal }, keyId: apiKey.id };
}

/** The same store, with what is read from it counted. */
function counting(store: KeyValueStore) {
  let reads = 0;
  const counted = Object.create(store, {
    get: {
      value: (key: string) => {
        reads += 1;
        return store.get(key);
      },
    },
  });
  return { store: counted, reads: () => reads };
}

describe('a session that was opened with an API key', () => {
  it('ends at once when the key is revoked, for new calls and for connections that are open', async () => {
    const hub = sessionWorld();
    const { member, keyId } = await memberWith(hub, {});
    const session = await token(hub, member);
    const principal = (await hub.who(session)) as Principal;
    expect(principal).toMatchObject({ method: 'session', openedWith: { keyId } });
    expect(await hub.call(principal, 'session_end', {})).toEqual({ ended: true });
    const second = await token(hub, member);
    const open = (await hub.who(second)) as Principal;
    await hub.guard.keys.revoke(keyId);
    expect(await hub.who(second)).toBeUndefined();
    expect(await hub.call(open, 'session_end', {})).toMatchObject({ code: 'DENIED', policies: ['living-keys'] });
  });

  it('ends on another hub of the store within five seconds', async () => {
    const hub = sessionWorld();
    const other = sessionWorld({ store: hub.store, clock: hub.clock });
    const { member, keyId } = await memberWith(hub, {});
    const session = await token(hub, member);
    expect(await other.who(session)).toBeDefined();
    await hub.guard.keys.revoke(keyId);
    hub.clock.advance(4_999);
    hub.clock.advance(1);
    expect(await other.who(session)).toBeUndefined();
  });

  it('ends with the overlap of a rotation, and with the key', async () => {
    const hub = sessionWorld();
    const { member, keyId } = await memberWith(hub, { ttlMs: 100_000 });
    const session = await token(hub, member);
    expect(await hub.who(session)).toMatchObject({ expiresAt: hub.clock.now() + 100_000 });
    await hub.guard.keys.rotate(keyId, { overlapMs: 20_000 });
    hub.clock.advance(19_999);
    expect(await hub.who(session)).toBeDefined();
    hub.clock.advance(1);
    expect(await hub.who(session)).toBeUndefined();
  });

  it('is good only where the key is, and follows the key when it is asked again', async () => {
    const hub = sessionWorld();
    const { member } = await memberWith(hub, { networks: ['10.1.0.0/16'] }, from.trusted);
    const session = await token(hub, member);
    expect(await hub.who(session, from.trusted)).toMatchObject({ id: 'a', method: 'session' });
    for (const connection of [from.local, from.external]) expect(await hub.who(session, connection)).toBeUndefined();
  });

  it('hands all of that on to a session that is opened with it', async () => {
    const hub = sessionWorld();
    const { member, keyId } = await memberWith(hub, { networks: ['10.1.0.0/16'] }, from.trusted);
    const first = (await hub.who(await token(hub, member), from.trusted)) as Principal;
    hub.clock.advance(200_000);
    const second = await token(hub, member, first);
    expect(await hub.who(second, from.trusted)).toMatchObject({ openedWith: { keyId }, expiresAt: expect.any(Number) });
    expect(await hub.who(second, from.local)).toBeUndefined();
    await hub.guard.keys.revoke(keyId);
    expect(await hub.who(second, from.trusted)).toBeUndefined();
  });

  it('lives on when another key of the agent is revoked', async () => {
    const hub = sessionWorld();
    const { member } = await memberWith(hub, {});
    const session = await token(hub, member);
    const { apiKey } = await hub.guard.keys.create({ agent: 'a' });
    await hub.guard.keys.revoke(apiKey.id);
    expect(await hub.who(session)).toBeDefined();
  });

  it('costs no reading of the store for each call', async () => {
    const clock = manualClock();
    const memory = createMemoryStore({ clock });
    const counted = counting(memory);
    const hub = sessionWorld({ store: counted.store, clock });
    const { member } = await memberWith(hub, { networks: ['127.0.0.0/8'] });
    const session = await token(hub, member);
    await hub.who(session);
    const before = counted.reads();
    for (let turn = 0; turn < 1_000; turn++) expect(await hub.who(session)).toBeDefined();
    expect(counted.reads()).toBe(before);
  });
});

describe('a session that was opened with a credential that ends', () => {
  it('ends with it, and so does every session opened with that session', async () => {
    const hub = sessionWorld();
    const member = await hub.member('a');
    const endsAt = hub.clock.now() + 60_000;
    const oauth: Principal = { ...member.principal, method: 'oauth', credentialId: 'jwt-1', expiresAt: endsAt };
    const session = (await hub.who(await token(hub, member, oauth))) as Principal;
    expect(session).toMatchObject({ expiresAt: endsAt, openedWith: { expiresAt: endsAt } });
    hub.clock.advance(30_000);
    expect(await hub.who(await token(hub, member, session))).toMatchObject({ expiresAt: endsAt });
    hub.clock.advance(30_000);
    const { nonce } = await hub.call(session, 'auth_challenge', {});
    expect(await hub.call(session, 'auth_respond', await answerTo(nonce, member))).toMatchObject({ code: 'DENIED' });
  });
});

describe('who keeps connections open', () => {
  it('is told whose credentials have ended before their time', async () => {
    const hub = sessionWorld();
    const { member, keyId } = await memberWith(hub, {});
    const told: unknown[] = [];
    const stop = hub.guard.authenticator.onWithdrawn?.((id) => told.push(id));
    const session = (await hub.who(await token(hub, member))) as Principal;
    await hub.call(session, 'session_end', {});
    expect(told).toEqual(['a']);
    const { apiKey } = await hub.guard.keys.rotate(keyId, { overlapMs: 1_000 });
    await hub.guard.keys.revoke(apiKey.id);
    await hub.guard.agentKeys.remove('a', member.pair.kid);
    await hub.guard.sessions?.end('ses_unknown');
    expect(told).toEqual(['a', 'a', 'a', 'a', undefined]);
    await hub.guard.agents.remove('a');
    expect(told.length).toBeGreaterThan(5);
    stop?.();
    await hub.guard.createAdminKey();
    await hub.guard.agents.add({ name: 'b' });
    const heard = told.length;
    await hub.guard.agents.remove('b');
    expect(told.length).toBe(heard);
  });
});
