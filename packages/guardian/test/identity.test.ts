import { ConflictError, InvalidInputError, NotFoundError } from '@meshwork/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { from, world } from './hub-with-guardian.ts';

describe('keys', () => {
  it('say who an agent is, and nothing else says so', async () => {
    const { guard } = world();
    const { key } = await guard.agents.add({ name: 'data_analyst' });
    expect(await guard.authenticator.authenticate(key, from.local)).toMatchObject({
      id: 'data_analyst',
      kind: 'agent',
      roles: [],
      zone: 'local',
      trust: 0.9,
      method: 'api-key',
      actsFor: [],
    });
    for (const wrong of [undefined, '', 'x', `${key} `, `${key}x`, key.slice(0, -1), key.toUpperCase(), `mk_${'0'.repeat(16)}_${'A'.repeat(43)}`]) {
      expect(await guard.authenticator.authenticate(wrong, from.local)).toBeUndefined();
    }
  });

  it('are not kept, only their digests', async () => {
    const { guard, store } = world();
    const keys = [(await guard.agents.add({ name: 'a' })).key, await guard.createAdminKey()];
    const kept: unknown[] = [];
    for await (const entry of store.list('')) kept.push(entry);
    for (const key of keys) expect(JSON.stringify(kept)).not.toContain(key.slice(-43));
  });

  it('are worth nothing once the agent is removed or has a new one', async () => {
    const { guard } = world();
    const first = await guard.agents.add({ name: 'a' });
    expect(await guard.authenticator.authenticate(first.key, from.local)).toBeDefined();
    const second = await guard.agents.rotate('a');
    expect(await guard.authenticator.authenticate(first.key, from.local)).toBeUndefined();
    expect(await guard.authenticator.authenticate(second.key, from.local)).toBeDefined();
    await guard.agents.remove('a');
    expect(await guard.authenticator.authenticate(second.key, from.local)).toBeUndefined();
  });

  it('survive a restart', async () => {
    const { guard, store } = world();
    const { key } = await guard.agents.add({ name: 'a' });
    expect(await world({ store }).guard.authenticator.authenticate(key, from.local)).toMatchObject({ id: 'a' });
    expect(await world({ store }).guard.hasAdmin()).toBe(false);
    await guard.createAdminKey();
    expect(await world({ store }).guard.hasAdmin()).toBe(true);
  });
});

describe('zones', () => {
  it.each([
    ['127.0.0.1', 'local'],
    ['127.9.9.9', 'local'],
    ['::1', 'local'],
    ['::ffff:127.0.0.1', 'local'],
    ['10.9.9.9', 'trusted'],
    ['::ffff:10.9.9.9', 'trusted'],
    ['fd00::5', 'trusted'],
    ['192.168.1.1', 'external'],
    ['8.8.8.8', 'external'],
    ['2001:db8::1', 'external'],
    ['not an address', 'external'],
  ])('%s is %s', async (remoteAddress, zone) => {
    const { guard } = world();
    const { key } = await guard.agents.add({ name: 'a' });
    expect(await guard.authenticator.authenticate(key, { via: 'http', remoteAddress, encrypted: false })).toMatchObject({ zone });
  });

  it('refuse a network that is not one', () => {
    expect(() => world({ networks: { trusted: ['10.0.0.0/99'] } })).toThrow(InvalidInputError);
  });
});

describe('administration', () => {
  it('is for admins, and never from outside', async () => {
    const { agent, admin, call } = world();
    const attempts = ['agent_add', 'agent_remove', 'agent_rotate_key'] as const;
    for (const tool of attempts) expect(await call(await agent(`a-${tool.slice(6, 9)}`), tool, { agent_id: 'x' })).toMatchObject({ code: 'DENIED' });
    expect(await call(await admin(from.external), 'agent_add', { agent_id: 'x' })).toMatchObject({ code: 'DENIED', policies: ['external-read-only'] });
    const added = await call(await admin(), 'agent_add', { agent_id: 'x', resources: ['DATA_EXPORT'] });
    expect(added).toMatchObject({ agent_id: 'x', key: expect.stringMatching(/^mk_/) });
    expect(await call(await admin(), 'agent_list', {})).toMatchObject({
      agents: expect.arrayContaining([expect.objectContaining({ agent_id: 'x', allowed: ['DATA_EXPORT'] })]),
    });
  });

  it('explains a decision without granting anything', async () => {
    const { admin, call, guard } = world();
    const boss = await admin();
    expect(await call(boss, 'permission_explain', { agent_id: 'new', resource_type: 'SAP_API' })).toMatchObject({
      granted: true,
      facts: { agent_id: 'new', agent_known: false, allowed: [], resource_type: 'SAP_API', scope: '*', zone: 'local', trust: 0.9 },
    });
    expect(await call(boss, 'permission_explain', { agent_id: 'new', resource_type: 'SAP_API', zone: 'external' })).toMatchObject({
      granted: false,
      policies: ['external-no-grants'],
    });
    expect(await guard.grants.list()).toEqual([]);
  });

  it('refuses names that could be mistaken, and names that are taken', async () => {
    const { guard } = world();
    for (const name of ['', 'admin', 'A', 'a b', '__proto__', '-a', 'a\u200b', 'ａ', 'a'.repeat(65), 'a!d@m#i$n'])
      await expect(guard.agents.add({ name })).rejects.toThrow(InvalidInputError);
    await guard.agents.add({ name: 'constructor' });
    await expect(guard.agents.add({ name: 'constructor' })).rejects.toThrow(ConflictError);
    await expect(guard.agents.remove('nobody')).rejects.toThrow(NotFoundError);
    await expect(guard.agents.allow('constructor', 'NOPE')).rejects.toThrow(InvalidInputError);
  });

  it('leaves no key behind when an agent is added and removed at once', async () => {
    const { guard } = world();
    const [{ key }] = await Promise.all([guard.agents.add({ name: 'a' }), guard.agents.remove('a')]);
    expect(await guard.authenticator.authenticate(key, from.local)).toBeUndefined();
    expect(await guard.agents.list()).toEqual([]);
  });

  it('leaves one good key when it is changed by two at once', async () => {
    const { guard } = world();
    await guard.agents.add({ name: 'a' });
    const made = await Promise.all([guard.agents.rotate('a'), guard.agents.rotate('a')]);
    const known = await Promise.all(made.map(({ key }) => guard.authenticator.authenticate(key, from.local)));
    expect(known.filter((principal) => principal !== undefined)).toHaveLength(1);
  });

  it('goes on after a step that failed', async () => {
    const { guard } = world();
    await expect(guard.agents.remove('nobody')).rejects.toThrow(NotFoundError);
    expect(await guard.agents.add({ name: 'a' })).toMatchObject({ agentId: 'a' });
  });

  it('refuses any name but plain lower case ones', async () => {
    const { guard } = world();
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.string({ unit: 'grapheme', maxLength: 10 })), async (name) => {
        fc.pre(!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name));
        await expect(guard.agents.add({ name })).rejects.toThrow(InvalidInputError);
        expect(await guard.agents.get(name)).toBeUndefined();
      }),
      { numRuns: 200 },
    );
    expect(await guard.agents.list()).toEqual([]);
  });

  it('keeps every allowance when many are given at once', async () => {
    const { guard } = world();
    await guard.agents.add({ name: 'a' });
    await Promise.all(['SAP_API', 'FINANCIAL_API', 'EXTERNAL_SERVICE', 'DATA_EXPORT'].map((type) => guard.agents.allow('a', type)));
    expect((await guard.agents.get('a'))?.allowed).toHaveLength(4);
  });
});
