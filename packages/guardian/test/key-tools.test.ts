import { createHub, createMemoryStore, defineResource, defineTool, type Effect, type Module } from '@meshwork/core';
import { guardian } from '@meshwork/guardian';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { engine, from, world } from './hub-with-guardian.ts';

type Scopes = readonly Effect[] | undefined;

describe('the scopes of a key', () => {
  const cases: readonly (readonly [Scopes, Record<Effect | 'resource', 'ok' | 'DENIED'>])[] = [
    [undefined, { read: 'ok', write: 'ok', admin: 'ok', resource: 'ok' }],
    [['read'], { read: 'ok', write: 'DENIED', admin: 'DENIED', resource: 'ok' }],
    [['write'], { read: 'DENIED', write: 'ok', admin: 'DENIED', resource: 'DENIED' }],
    [['admin'], { read: 'DENIED', write: 'DENIED', admin: 'ok', resource: 'DENIED' }],
    [['read', 'write'], { read: 'ok', write: 'ok', admin: 'DENIED', resource: 'ok' }],
  ];

  it.each(cases)('%j: %j', async (scopes, expected) => {
    const store = createMemoryStore();
    const guard = guardian({ store, engine });
    const tool = (effect: Effect) =>
      defineTool({ name: effect, description: effect, category: 'test', effect, input: z.strictObject({}), output: z.object({}), run: async () => ({}) });
    const resource = defineResource({ uri: 'test://a', name: 'a', description: 'a', mimeType: 'application/json', read: async () => ({ json: {} }) });
    const things: Module = { name: 'things', tools: [tool('read'), tool('write'), tool('admin')], resources: [resource] };
    const hub = createHub({ modules: [guard, things] });
    const { key } = await guard.keys.create(scopes === undefined ? {} : { scopes });
    const principal = await guard.authenticator.authenticate(key, from.local);
    if (principal === undefined) throw new Error('the key was not accepted');
    for (const name of ['read', 'write', 'admin'] as const) {
      const answer = await hub.call({ name, arguments: {}, principal, face: 'local' });
      if (answer.kind !== 'tool') throw new Error('no tool answer');
      if (expected[name] === 'ok') expect(answer.isError).not.toBe(true);
      else
        expect(answer).toMatchObject({
          isError: true,
          structuredContent: { code: 'DENIED', policies: ['credential-scopes'], scope: name, message: expect.stringContaining(`"${name}"`) },
        });
    }
    const reading = hub.call({ kind: 'resource', name: 'test://a', principal, face: 'local' });
    if (expected.resource === 'ok') expect(await reading).toMatchObject({ kind: 'resource' });
    else await expect(reading).rejects.toMatchObject({ code: 'DENIED', details: { scope: 'read' } });
  });

  it('permit nothing the policies forbid', async () => {
    const { guard, call } = world();
    await guard.agents.add({ name: 'a' });
    const { key } = await guard.keys.create({ agent: 'a', scopes: ['admin'] });
    const principal = await guard.authenticator.authenticate(key, from.local);
    expect(await call(principal as never, 'key_list', {})).toMatchObject({ code: 'DENIED', policies: ['default-deny'] });
  });
});

describe('the tools for keys', () => {
  it('make, list, rotate and revoke, and show a key only when it is made', async () => {
    const { admin, call, guard, clock } = world();
    const boss = await admin();
    await guard.agents.add({ name: 'a' });
    clock.advance(1);
    const created = await call(boss, 'key_create', {
      agent_id: 'a',
      name: 'CI',
      scopes: ['read'],
      networks: ['127.0.0.0/8'],
      expires_in_ms: 60_000,
      owner: 'ann',
      organisation: 'example',
    });
    expect(created).toMatchObject({
      key: expect.stringMatching(/^mk_/),
      agent_id: 'a',
      admin: false,
      state: 'active',
      name: 'CI',
      scopes: ['read'],
      networks: ['127.0.0.0/8'],
      owner: 'ann',
      organisation: 'example',
      expires_at: expect.any(String),
    });
    expect(await guard.authenticator.authenticate(String(created.key), from.local)).toMatchObject({ id: 'a', scopes: ['read'] });
    clock.advance(1);
    const rotated = await call(boss, 'key_rotate', { key_id: created.key_id, overlap_ms: 1_000 });
    expect(rotated).toMatchObject({ key: expect.stringMatching(/^mk_/), replaces: created.key_id, scopes: ['read'] });
    const listed = await call(boss, 'key_list', { agent_id: 'a' });
    expect(listed.keys).toHaveLength(3);
    expect(listed.keys).toMatchObject([
      {},
      { key_id: created.key_id, replaced_by: rotated.key_id, last_used_at: expect.any(String) },
      { key_id: rotated.key_id },
    ]);
    for (const { key } of [created, rotated]) expect(JSON.stringify(listed)).not.toContain(String(key).slice(-43));
    expect(await call(boss, 'key_revoke', { key_id: rotated.key_id })).toEqual({ revoked: true, key_id: rotated.key_id });
    expect(await call(boss, 'key_revoke', { key_id: rotated.key_id })).toEqual({ revoked: false, key_id: rotated.key_id });
    expect(await guard.authenticator.authenticate(String(rotated.key), from.local)).toBeUndefined();
  });

  it('make an admin key only when asked for one in so many words', async () => {
    const { admin, call } = world();
    const boss = await admin();
    expect(await call(boss, 'key_create', { admin: true })).toMatchObject({ admin: true, key: expect.any(String) });
    for (const args of [{}, { agent_id: 'a', admin: true }, { admin: false }, { agent_id: 'a', name: 'two\nlines' }, { admin: true, scopes: [] }])
      expect(await call(boss, 'key_create', args)).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await call(boss, 'key_create', { agent_id: 'nobody' })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await call(boss, 'key_rotate', { key_id: '0'.repeat(16) })).toMatchObject({ code: 'NOT_FOUND' });
    expect(((await call(boss, 'key_list', {})).keys as object[]).length).toBe(2);
  });

  it('are for admins, and not from outside', async () => {
    const { agent, admin, call } = world();
    const asked: readonly (readonly [string, object])[] = [
      ['key_create', { admin: true }],
      ['key_list', {}],
      ['key_rotate', { key_id: '0'.repeat(16) }],
      ['key_revoke', { key_id: '0'.repeat(16) }],
    ];
    const callers = [await agent('a'), await admin(from.external)];
    for (const caller of callers) for (const [tool, args] of asked) expect(await call(caller, tool, args)).toMatchObject({ code: 'DENIED' });
  });

  it('give a limited admin no key beyond its own limit', async () => {
    const { guard, call } = world();
    const { apiKey: unlimited } = await guard.keys.create({});
    const { key } = await guard.keys.create({ scopes: ['admin', 'read'] });
    const limited = (await guard.authenticator.authenticate(key, from.local)) as never;
    expect(await call(limited, 'key_create', { admin: true })).toMatchObject({ scopes: ['read', 'admin'] });
    expect(await call(limited, 'key_create', { admin: true, scopes: ['read'] })).toMatchObject({ scopes: ['read'] });
    expect(await call(limited, 'key_create', { admin: true, scopes: ['read', 'write'] })).toMatchObject({ code: 'DENIED' });
    expect(await call(limited, 'key_rotate', { key_id: unlimited.id })).toMatchObject({ code: 'DENIED' });
  });
});
