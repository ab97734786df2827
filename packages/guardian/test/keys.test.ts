import { createHash, createHmac } from 'node:crypto';
import {
  ConflictError,
  type Connection,
  createMemoryStore,
  InvalidInputError,
  type KeyValueStore,
  NotFoundError,
  type Principal,
  type Store,
  UnavailableError,
} from '@meshwork/core';
import { type ManualClock, manualClock } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { from, world } from './hub-with-guardian.ts';

const MINUTE = 60_000;
const pepper = new TextEncoder().encode('a pepper of thirty-two bytes, no less');
const opens = async ({ guard }: ReturnType<typeof world>, key: string, connection = from.local) =>
  (await guard.authenticator.authenticate(key, connection)) !== undefined;
const keptTexts = async (store: KeyValueStore) => {
  const texts: string[] = [];
  for await (const entry of store.list('')) texts.push(JSON.stringify(entry));
  return texts.join('\n');
};

describe('a key', () => {
  it('brings what it is limited to, and to whom it belongs, into the principal', async () => {
    const { guard } = world();
    await guard.agents.add({ name: 'a' });
    const { key, apiKey } = await guard.keys.create({ agent: 'a', name: 'CI', scopes: ['read'], owner: 'ann@example.org', organisation: 'example' });
    expect(key).toMatch(/^mk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    expect(key).toContain(apiKey.id);
    expect(await guard.authenticator.authenticate(key, from.local)).toMatchObject({
      id: 'a',
      kind: 'agent',
      credentialId: apiKey.id,
      scopes: ['read'],
      owner: 'ann@example.org',
      organisation: 'example',
    });
    const { key: plain } = await guard.keys.create({});
    const boss = await guard.authenticator.authenticate(plain, from.local);
    expect(boss).toMatchObject({ id: 'admin', roles: ['admin'] });
    expect(boss).not.toHaveProperty('scopes');
  });

  it('dies when its time is over, at that very millisecond', async () => {
    const hub = world();
    const { key } = await hub.guard.keys.create({ ttlMs: 2_000 });
    hub.clock.advance(1_999);
    expect(await opens(hub, key)).toBe(true);
    hub.clock.advance(1);
    expect(await opens(hub, key)).toBe(false);
    expect(await hub.guard.keys.list()).toMatchObject([{ state: 'expired' }]);
  });

  it('opens from its networks only', async () => {
    const hub = world();
    const { key } = await hub.guard.keys.create({ networks: ['10.1.0.0/16', '2001:db8::/32'] });
    const at = (remoteAddress?: string): Connection => ({ via: 'http', encrypted: true, ...(remoteAddress !== undefined && { remoteAddress }) });
    for (const inside of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::5']) expect(await opens(hub, key, at(inside))).toBe(true);
    // After it was remembered for good addresses, too.
    for (const outside of ['::10.1.2.3', '10.2.0.1', '127.0.0.1', '::1', '2001:db9::5', '0xa.1.2.3', '', undefined])
      expect(await opens(hub, key, at(outside))).toBe(false);
    expect(await opens(hub, key, at('10.1.2.3'))).toBe(true);
  });

  it.each([
    ['a network without a length', { networks: ['10.0.0.1'] }],
    ['a network in octal', { networks: ['010.0.0.0/8'] }],
    ['a shortened network', { networks: ['10.1/16'] }],
    ['an IPv4 network in IPv6 form', { networks: ['::ffff:10.0.0.0/104'] }],
    ['a network too long', { networks: ['10.0.0.0/33'] }],
    ['no network at all', { networks: [] }],
    ['no scope at all', { scopes: [] }],
    ['a scope that is none', { scopes: ['everything' as never] }],
    ['a life of no time', { ttlMs: 0 }],
    ['a life of half a millisecond', { ttlMs: 0.5 }],
    ['an endless life', { ttlMs: Number.POSITIVE_INFINITY }],
  ])('is refused with %s', async (_what, terms) => {
    const { guard } = world();
    await expect(guard.keys.create(terms)).rejects.toThrow(InvalidInputError);
    expect(await guard.keys.list()).toEqual([]);
  });

  it('is made for agents this hub knows, and goes with them', async () => {
    const hub = world();
    await expect(hub.guard.keys.create({ agent: 'nobody' })).rejects.toThrow(NotFoundError);
    await hub.guard.agents.add({ name: 'a' });
    const { key, apiKey } = await hub.guard.keys.create({ agent: 'a' });
    const [removed, made] = await Promise.allSettled([hub.guard.agents.remove('a'), hub.guard.keys.create({ agent: 'a' })]);
    expect([removed.status, made.status]).toEqual(['fulfilled', 'rejected']);
    expect(await opens(hub, key)).toBe(false);
    await expect(hub.guard.keys.rotate(apiKey.id)).rejects.toThrow(NotFoundError);
    expect(await hub.guard.keys.list()).toEqual([]);
  });
});

describe('an agent that is removed by one hub while another makes it a key', () => {
  it('has none: the key came after the others were looked for', async () => {
    const store = createMemoryStore({ clock: manualClock() });
    const other = world({ store });
    const removes = interfering(store, 'delete', 'guardian/agent/', async () => made.push(await other.guard.keys.create({ agent: 'a' })));
    const made: { readonly key: string }[] = [];
    const hub = world({ store: removes });
    await hub.guard.agents.add({ name: 'a' });
    await hub.guard.agents.remove('a');
    expect(made).toHaveLength(1);
    expect(await opens(hub, made[0]?.key as string)).toBe(false);
    expect(await hub.guard.keys.list()).toEqual([]);
  });

  it('has none: the key came when it was gone', async () => {
    const store = createMemoryStore({ clock: manualClock() });
    const other = world({ store });
    await other.guard.agents.add({ name: 'a' });
    const hub = world({ store: interfering(store, 'put', 'guardian/key/', () => other.guard.agents.remove('a')) });
    await expect(hub.guard.keys.create({ agent: 'a' })).rejects.toThrow(NotFoundError);
    expect(await hub.guard.keys.list()).toEqual([]);
  });

  it('has none: its key was rotated when it was gone', async () => {
    const store = createMemoryStore({ clock: manualClock() });
    const other = world({ store });
    const { key } = await other.guard.agents.add({ name: 'a' });
    const hub = world({ store: interfering(store, 'put', 'guardian/key/', () => other.guard.agents.remove('a')) });
    await expect(hub.guard.keys.rotate(key.slice(3, 19), { overlapMs: MINUTE })).rejects.toThrow(ConflictError);
    expect(await hub.guard.keys.list()).toEqual([]);
  });
});

describe('rotating a key', () => {
  it('keeps holder, limits and lifetime, and lets the old one live to the end of the overlap', async () => {
    const hub = world();
    await hub.guard.agents.add({ name: 'a' });
    const terms = { name: 'CI', scopes: ['read', 'write'], networks: ['127.0.0.0/8'], owner: 'ann', organisation: 'example' } as const;
    const old = await hub.guard.keys.create({ agent: 'a', ...terms, ttlMs: 60 * MINUTE });
    hub.clock.advance(30 * MINUTE);
    const next = await hub.guard.keys.rotate(old.apiKey.id, { overlapMs: 5 * MINUTE });
    expect(next.apiKey).toMatchObject({ holder: 'a', ...terms, replaces: old.apiKey.id, expiresAt: new Date(hub.clock.now() + 60 * MINUTE).toISOString() });
    expect(await hub.guard.keys.get(old.apiKey.id)).toMatchObject({ replacedBy: next.apiKey.id });
    hub.clock.advance(5 * MINUTE - 1);
    expect([await opens(hub, old.key), await opens(hub, next.key)]).toEqual([true, true]);
    hub.clock.advance(1);
    expect([await opens(hub, old.key), await opens(hub, next.key)]).toEqual([false, true]);
  });

  it('never lets an overlap prolong a life', async () => {
    const hub = world();
    const old = await hub.guard.keys.create({ ttlMs: 1_000 });
    await hub.guard.keys.rotate(old.apiKey.id, { overlapMs: 5_000 });
    hub.clock.advance(1_000);
    expect(await opens(hub, old.key)).toBe(false);
  });

  it('without an overlap ends the old key at once', async () => {
    const hub = world();
    const old = await hub.guard.keys.create({});
    expect(await opens(hub, old.key)).toBe(true);
    const next = await hub.guard.keys.rotate(old.apiKey.id);
    expect([await opens(hub, old.key), await opens(hub, next.key)]).toEqual([false, true]);
  });

  it('leaves at most two generations alive', async () => {
    const hub = world();
    const keys = [await hub.guard.keys.create({})];
    for (let generation = 1; generation <= 3; generation++)
      keys.push(await hub.guard.keys.rotate(keys.at(-1)?.apiKey.id as string, { overlapMs: 60 * MINUTE }));
    const alive = await Promise.all(keys.map(({ key }) => opens(hub, key)));
    expect(alive).toEqual([false, false, true, true]);
  });

  it('is refused for a key that was rotated, has expired, or is not there', async () => {
    const { guard, clock } = world();
    const [{ apiKey }, dying] = [await guard.keys.create({}), await guard.keys.create({ ttlMs: 1 })];
    const next = await guard.keys.rotate(apiKey.id, { overlapMs: MINUTE });
    clock.advance(1);
    await expect(guard.keys.rotate(apiKey.id, { overlapMs: MINUTE })).rejects.toThrow(next.apiKey.id);
    await expect(guard.keys.rotate(dying.apiKey.id)).rejects.toThrow(ConflictError);
    for (const id of ['0'.repeat(16), '', '../agent/a', '__proto__']) await expect(guard.keys.rotate(id)).rejects.toThrow(NotFoundError);
    for (const overlapMs of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      await expect(guard.keys.rotate(next.apiKey.id, { overlapMs })).rejects.toThrow(InvalidInputError);
    expect(await guard.keys.list()).toHaveLength(3);
  });

  it('by two at once makes one key, also on two hubs', async () => {
    const store = createMemoryStore({ clock: manualClock() });
    const hubs = [world({ store }), world({ store })] as const;
    const { apiKey } = await hubs[0].guard.keys.create({});
    const made = await Promise.allSettled([...hubs, ...hubs].map(({ guard }) => guard.keys.rotate(apiKey.id, { overlapMs: MINUTE })));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await hubs[1].guard.keys.list()).toHaveLength(2);
  });
});

describe('revoking a key', () => {
  it('ends it at once and leaves the others; a second time changes nothing', async () => {
    const hub = world();
    const [one, other] = [await hub.guard.keys.create({}), await hub.guard.keys.create({})];
    expect([await opens(hub, one.key), await opens(hub, other.key)]).toEqual([true, true]);
    expect(await hub.guard.keys.revoke(one.apiKey.id)).toBe(true);
    expect([await opens(hub, one.key), await opens(hub, other.key)]).toEqual([false, true]);
    expect(await hub.guard.keys.revoke(one.apiKey.id)).toBe(false);
    expect(await hub.guard.keys.revoke('nothing')).toBe(false);
    expect(await hub.guard.hasAdmin()).toBe(true);
    await hub.guard.keys.revoke(other.apiKey.id);
    expect(await hub.guard.hasAdmin()).toBe(false);
  });

  it('leaves nothing of the key in the store', async () => {
    const { guard, store, hub } = world();
    const { key, apiKey } = await guard.keys.create({});
    await guard.authenticator.authenticate(key, from.local);
    await guard.keys.revoke(apiKey.id);
    await hub.close();
    expect(await keptTexts(store)).not.toContain(apiKey.id);
  });

  it('T11: reaches the other hubs of a store within five seconds', async () => {
    const clock = manualClock();
    const store = createMemoryStore({ clock });
    const [here, there] = [world({ store, clock }), world({ store, clock })];
    const { key, apiKey } = await here.guard.keys.create({});
    expect([await opens(here, key), await opens(there, key)]).toEqual([true, true]);
    await here.guard.keys.revoke(apiKey.id);
    expect(await opens(here, key)).toBe(false);
    clock.advance(5_000);
    expect(await opens(there, key)).toBe(false);
  });

  it('holds although a lookup that began before comes back with the key', async () => {
    const { store, held } = storeWithHeldReads();
    const hub = world({ store });
    const { key, apiKey } = await hub.guard.keys.create({});
    const lookup = held.next();
    const used = hub.guard.authenticator.authenticate(key, from.local);
    const release = await lookup;
    const revoked = await hub.guard.keys.revoke(apiKey.id);
    release();
    expect(revoked).toBe(true);
    expect(await used).toBeUndefined();
    expect(await opens(hub, key)).toBe(false);
  });

  it('waits for no other work on keys that hangs', async () => {
    const inner = createMemoryStore({ clock: manualClock() });
    let hangs = false;
    const store: Store = { ...inner, put: (...put) => (hangs ? new Promise(() => {}) : inner.put(...put)) };
    const hub = world({ store });
    const { key, apiKey } = await hub.guard.keys.create({});
    hangs = true;
    expect(await opens(hub, key)).toBe(true);
    hub.guard.keys.create({});
    expect(await hub.guard.keys.revoke(apiKey.id)).toBe(true);
    expect(await opens(hub, key)).toBe(false);
  });

  it('holds against eight that use the key without a pause', async () => {
    for (let round = 0; round < 20; round++) {
      const hub = world();
      const { key, apiKey } = await hub.guard.keys.create({});
      let isRevoked = false;
      let acceptedBefore = 0;
      let acceptedAfter = 0;
      const use = async () => {
        for (let after = 0; after < 5; ) {
          const begunAfter = isRevoked;
          if (await opens(hub, key)) begunAfter ? acceptedAfter++ : acceptedBefore++;
          if (begunAfter) after += 1;
        }
      };
      const revoke = async () => {
        while (acceptedBefore < round) await opens(hub, key);
        await hub.guard.keys.revoke(apiKey.id);
        isRevoked = true;
      };
      await Promise.all([...Array.from({ length: 8 }, use), revoke()]);
      expect(acceptedBefore).toBeGreaterThanOrEqual(round);
      expect(acceptedAfter).toBe(0);
    }
  });
});

describe('a connection that stays open', () => {
  const list = async ({ hub, guard }: ReturnType<typeof world>, ttlMs?: number) => {
    const { key, apiKey } = await guard.keys.create(ttlMs === undefined ? {} : { ttlMs });
    const principal = await guard.authenticator.authenticate(key, from.local);
    if (principal === undefined) throw new Error('the key was not accepted');
    const call = async () => {
      const answer = await hub.call({ name: 'key_list', arguments: {}, principal, face: 'ws' });
      return answer.kind === 'tool' && answer.isError ? answer.structuredContent : 'ok';
    };
    return { call, id: apiKey.id };
  };
  const refused = { code: 'DENIED', policies: ['living-keys'], message: expect.stringContaining('revoked or has expired') };

  it('is worth no more than its key: not after it was revoked or rotated, nor after it has expired', async () => {
    const hub = world();
    const [revoked, rotated, expired, living] = [await list(hub), await list(hub), await list(hub, 20_000), await list(hub)];
    for (const { call } of [revoked, rotated, expired, living]) expect(await call()).toBe('ok');
    await hub.guard.keys.revoke(revoked.id);
    await hub.guard.keys.rotate(rotated.id, { overlapMs: 10_000 });
    expect(await revoked.call()).toEqual(refused);
    expect(await rotated.call()).toBe('ok');
    hub.clock.advance(10_000);
    expect(await rotated.call()).toEqual(refused);
    hub.clock.advance(9_999);
    expect(await expired.call()).toBe('ok');
    hub.clock.advance(1);
    expect(await expired.call()).toEqual(refused);
    expect(await living.call()).toBe('ok');
  });

  it('leaves the reason of the refusal with the call, for whoever records it', async () => {
    const hub = world();
    const { call, id } = await list(hub);
    const decisions: object[] = [];
    hub.hub.events.on('call-finished', (event) => decisions.push(...event.call.decisions));
    await hub.guard.keys.revoke(id);
    await call();
    expect(decisions).toEqual([{ by: 'guardian', effect: 'deny', policies: ['living-keys'], reason: expect.stringContaining('revoked or has expired') }]);
  });

  it('hears of a revocation on another hub within five seconds, for one read of the store', async () => {
    const { store, clock, reads } = countingStore();
    const [here, there] = [world({ store, clock }), world({ store, clock })];
    const { call, id } = await list(here);
    clock.advance(5_000);
    const before = reads();
    expect(await call()).toBe('ok');
    const once = reads() - before;
    expect(await call()).toBe('ok');
    expect(reads() - before).toBe(2 * once - 1);
    await there.guard.keys.revoke(id);
    clock.advance(5_000);
    expect(await call()).toEqual(refused);
  });

  it('does not make a key that was never shown good', async () => {
    const { guard, hub } = world();
    const { key, apiKey } = await guard.keys.create({});
    const principal = (await guard.authenticator.authenticate(key, from.local)) as Principal;
    await guard.keys.rotate(apiKey.id, { overlapMs: MINUTE });
    await hub.call({ name: 'key_list', arguments: {}, principal, face: 'ws' });
    expect(await guard.authenticator.authenticate(key.slice(0, -43) + 'A'.repeat(43), from.local)).toBeUndefined();
    expect(await guard.authenticator.authenticate(key, from.local)).toBeDefined();
  });
});

describe('whoever has no good key', () => {
  it('gets one answer for one read of the store, whatever is wrong', async () => {
    const { store, reads } = countingStore();
    const hub = world({ store });
    const [far, dying, gone, good] = [
      await hub.guard.keys.create({ networks: ['192.0.2.0/24'] }),
      await hub.guard.keys.create({ ttlMs: 10 }),
      await hub.guard.keys.create({}),
      await hub.guard.keys.create({}),
    ];
    for (const { key } of [dying, gone, good]) await hub.guard.authenticator.authenticate(key, from.local);
    await hub.guard.authenticator.authenticate(far.key, { ...from.local, remoteAddress: '192.0.2.1' });
    await hub.guard.keys.revoke(gone.apiKey.id);
    hub.clock.advance(10);
    const wrongSecret = good.key.slice(0, -43) + 'A'.repeat(43);
    for (const key of [`mk_${'0'.repeat(16)}_${'A'.repeat(43)}`, wrongSecret, gone.key, dying.key, far.key]) {
      const before = reads();
      expect(await hub.guard.authenticator.authenticate(key, from.local)).toBeUndefined();
      expect(reads() - before).toBe(1);
    }
  });

  it('costs nothing when it is no key by its length and letters', async () => {
    const { store, reads } = countingStore();
    const { guard } = world({ store });
    const { key } = await guard.keys.create({});
    const before = reads();
    for (const wrong of ['', 'mk_', `${key}A`, `${key}=`, key.toUpperCase(), key.replace('mk_', 'mk-'), `${key}\n`, 'mk_'.repeat(1_000_000)])
      expect(await guard.authenticator.authenticate(wrong, from.local)).toBeUndefined();
    expect(reads()).toBe(before);
  });
});

describe('while the store is away', () => {
  it('T11: a key opens for five seconds more, then fails with what is wrong, and opens again once the store is back', async () => {
    const clock = manualClock();
    const inner = createMemoryStore({ clock });
    let isAway = false;
    const away = () => Promise.reject(new UnavailableError('the store does not answer; try again'));
    const store: Store = {
      ...inner,
      get: (name) => (isAway ? away() : inner.get(name)),
      put: (...put) => (isAway ? away() : inner.put(...put)),
      delete: (...rest) => (isAway ? away() : inner.delete(...rest)),
    };
    const hub = world({ store, clock });
    const { key, apiKey } = await hub.guard.keys.create({});
    expect(await opens(hub, key)).toBe(true);
    isAway = true;
    clock.advance(4_999);
    expect(await opens(hub, key)).toBe(true);
    clock.advance(1);
    await expect(opens(hub, key)).rejects.toThrow(UnavailableError);
    await expect(hub.guard.keys.revoke(apiKey.id)).rejects.toThrow(UnavailableError);
    await expect(hub.guard.keys.create({})).rejects.toThrow(UnavailableError);
    isAway = false;
    expect(await opens(hub, key)).toBe(true);
    expect(await hub.guard.keys.revoke(apiKey.id)).toBe(true);
    expect(await opens(hub, key)).toBe(false);
  });
});

describe('a pepper', () => {
  it('is what keys are worth nothing without', async () => {
    const store = createMemoryStore({ clock: manualClock() });
    const { key } = await world({ store, pepper }).guard.keys.create({});
    expect(await opens(world({ store, pepper }), key)).toBe(true);
    const others = [world({ store }), world({ store, pepper: pepper.toReversed() })];
    for (const other of others) {
      expect(await opens(other, key)).toBe(false);
      expect(await other.guard.keys.list()).toMatchObject([{ state: 'other-pepper' }]);
      expect(await other.guard.hasAdmin()).toBe(false);
    }
    expect(await keptTexts(store)).not.toContain(new TextDecoder().decode(pepper));
  });

  it('leaves the keys from before it good', async () => {
    const store = createMemoryStore({ clock: manualClock() });
    const { key } = await world({ store }).guard.keys.create({});
    expect(await opens(world({ store, pepper }), key)).toBe(true);
  });

  it('keeps the HMAC of the key as RFC 2104 has it, not its hash', async () => {
    const { guard, store } = world({ pepper });
    const { key, apiKey } = await guard.keys.create({});
    const digest = createHmac('sha256', pepper).update(key).digest('hex');
    expect(await store.get(`guardian/key/${apiKey.id}`)).toMatchObject({ value: { digest } });
  });

  it('of less than 32 bytes is refused', () => {
    expect(() => world({ pepper: pepper.slice(0, 31) })).toThrow(TypeError);
  });
});

describe('keys kept by an earlier version', () => {
  it('open, are listed and can be rotated', async () => {
    const store = createMemoryStore({ clock: manualClock() });
    const key = `mk_0123456789abcdef_${'x'.repeat(43)}`;
    const digest = createHash('sha256').update(key).digest('hex');
    await store.put('guardian/key/0123456789abcdef', { kind: 'admin', id: 'admin', digest, issuedAt: '2026-01-02T03:04:05.000Z' });
    const hub = world({ store });
    expect(await hub.guard.authenticator.authenticate(key, from.local)).toMatchObject({ id: 'admin', credentialId: '0123456789abcdef' });
    expect(await hub.guard.keys.list()).toMatchObject([{ id: '0123456789abcdef', kind: 'admin', state: 'active', createdAt: '2026-01-02T03:04:05.000Z' }]);
    const next = await hub.guard.keys.rotate('0123456789abcdef');
    expect([await opens(hub, key), await opens(hub, next.key)]).toEqual([false, true]);
  });
});

describe('the last use of a key', () => {
  it('is shown at once, and written at most once a minute and at the close', async () => {
    const { store, writes } = countingStore();
    const hub = world({ store });
    const { key, apiKey } = await hub.guard.keys.create({});
    expect(await hub.guard.keys.get(apiKey.id)).not.toHaveProperty('lastUsedAt');
    const before = writes();
    for (let second = 0; second < 60; second++) {
      expect(await opens(hub, key)).toBe(true);
      hub.clock.advance(1_000);
    }
    expect(writes() - before).toBe(1);
    expect(await opens(hub, key)).toBe(true);
    expect(writes() - before).toBe(2);
    hub.clock.advance(500);
    await opens(hub, key);
    const lastUsedAt = new Date(hub.clock.now()).toISOString();
    expect(await hub.guard.keys.get(apiKey.id)).toMatchObject({ lastUsedAt });
    await hub.hub.close();
    expect(await world({ store }).guard.keys.get(apiKey.id)).toMatchObject({ lastUsedAt });
  });

  it('holds no call up, and fails none', async () => {
    const inner = createMemoryStore({ clock: manualClock() });
    let fails = 0;
    const store: Store = {
      ...inner,
      put(name, ...rest) {
        if (!name.startsWith('guardian/key-used/')) return inner.put(name, ...rest);
        fails += 1;
        return fails === 1 ? Promise.reject(new Error('the disk is full')) : new Promise(() => {});
      },
    };
    const hub = world({ store });
    const { key } = await hub.guard.keys.create({});
    for (let minute = 0; minute < 3; minute++) {
      expect(await opens(hub, key)).toBe(true);
      hub.clock.advance(MINUTE);
    }
    expect(fails).toBe(2);
  });
});

describe('events about keys', () => {
  it('tell of every key that is made, rotated and revoked, never the secret', async () => {
    const { guard } = world();
    const seen: object[] = [];
    for (const name of ['key-issued', 'key-rotated', 'key-revoked'] as const) guard.events.on(name, (event: object) => seen.push(event));
    const { key } = await guard.agents.add({ name: 'a' });
    const [first] = await guard.keys.list({ agent: 'a' });
    const next = await guard.keys.rotate(first?.id as string);
    await guard.keys.revoke(next.apiKey.id);
    await guard.keys.revoke(next.apiKey.id);
    expect(seen).toEqual([
      { type: 'key-issued', keyId: first?.id, kind: 'agent', holder: 'a' },
      { type: 'key-rotated', keyId: next.apiKey.id, kind: 'agent', holder: 'a', replaces: first?.id },
      { type: 'key-revoked', keyId: next.apiKey.id, kind: 'agent', holder: 'a' },
    ]);
    for (const secret of [key, next.key]) expect(JSON.stringify(seen)).not.toContain(secret.slice(-43));
  });
});

/** A store that counts what is read and written. */
function countingStore(): { store: Store; clock: ManualClock; reads(): number; writes(): number } {
  const clock = manualClock();
  const inner = createMemoryStore({ clock });
  let reads = 0;
  let writes = 0;
  const store: Store = {
    ...inner,
    get(name) {
      reads += 1;
      return inner.get(name);
    },
    put(...put) {
      writes += 1;
      return inner.put(...put);
    },
  };
  return { store, clock, reads: () => reads, writes: () => writes };
}

/** A store in which something else happens just before the first change of this kind. */
function interfering(store: Store, change: 'put' | 'delete', prefix: string, work: () => Promise<unknown>): Store {
  let isDone = false;
  const first = async (name: string) => {
    if (isDone || !name.startsWith(prefix)) return;
    isDone = true;
    await work();
  };
  return {
    ...store,
    async put(name, ...rest) {
      if (change === 'put') await first(name);
      return store.put(name, ...rest);
    },
    async delete(name, ...rest) {
      if (change === 'delete') await first(name);
      return store.delete(name, ...rest);
    },
  };
}

/** A store whose next read, once `held.next()` was called, has its answer but gives it only when it is told to. */
function storeWithHeldReads(): { store: Store; held: { next(): Promise<() => void> } } {
  const inner = createMemoryStore({ clock: manualClock() });
  let hold: ((release: () => void) => void) | undefined;
  const store: Store = {
    ...inner,
    async get(name) {
      const entry = await inner.get(name);
      const tell = hold;
      hold = undefined;
      if (tell !== undefined) await new Promise<void>((resolve) => tell(resolve));
      return entry;
    },
  };
  const next = () =>
    new Promise<() => void>((resolve) => {
      hold = resolve;
    });
  return { store, held: { next } };
}
