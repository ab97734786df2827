import { createHub, createMemoryStore, defineTool, type JournalRecord } from '@meshwork/core';
import { guardian } from '@meshwork/guardian';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ask, engine, from, world } from './hub-with-guardian.ts';

describe('options of the guardian', () => {
  it.each([
    ['no resource type', { resourceTypes: [] }, /at least one/],
    ['a resource type named twice', { resourceTypes: ['A', 'A'].map((name) => ({ name, everyday: true, remote: true })) }, /one name/],
    ['a resource type named __proto__', { resourceTypes: [{ name: '__proto__', everyday: true, remote: true }] }, /__proto__/],
    ['a grant that lasts no time', { grantTtlMs: 0 }, /grantTtlMs/],
    ['a grant that lasts for ever', { grantTtlMs: Number.POSITIVE_INFINITY }, /grantTtlMs/],
    ['a given key too long to be hashed with every request', { givenKeys: [{ key: 'x'.repeat(1_025), agent: 'a' }] }, /1024/],
    ['a grant of no number', { grantTtlMs: Number.NaN }, /grantTtlMs/],
  ])('are refused with %s', (_what, options, message) => {
    expect(() => world(options)).toThrow(TypeError);
    expect(() => world(options)).toThrow(message);
  });

  it("bring resource types of one's own, which the standard policies cover", async () => {
    const { agent, call } = world({
      resourceTypes: [
        { name: 'CRM', everyday: true, remote: true },
        { name: 'PAYROLL', everyday: false, remote: false },
      ],
    });
    const near = await agent('near');
    const far = await agent('far', from.trusted);
    expect(await call(near, 'request_permission', ask('near', 'CRM'))).toMatchObject({ granted: true });
    expect(await call(far, 'request_permission', ask('far', 'CRM'))).toMatchObject({ granted: true });
    expect(await call(near, 'request_permission', ask('near', 'PAYROLL'))).toMatchObject({ granted: false, policies: ['default-deny'] });
    expect(await call(near, 'request_permission', ask('near', 'SAP_API'))).toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('removing an agent', () => {
  it('ends its grants, and writes so', async () => {
    const { agent, admin, call, read } = world();
    const caller = await agent('a');
    const boss = await admin();
    const { token, grant_id } = await call(caller, 'request_permission', ask('a', 'SAP_API'));
    await call(boss, 'agent_remove', { agent_id: 'a' });
    const check = { token, agent_id: 'a', resource_type: 'SAP_API' };
    expect(await call(boss, 'validate_token', check)).toMatchObject({ valid: false });
    expect(await read(boss, 'grants://active')).toMatchObject({ total: 0 });
    expect(await read(boss, 'grants://audit')).toMatchObject({ entries: [{ event: 'revoked', caller: 'admin', grant_id }, { event: 'granted' }] });
    await agent('a');
    expect(await call(boss, 'validate_token', check)).toMatchObject({ valid: false });
  });

  it('leaves the grants of others alone', async () => {
    const { agent, call, guard } = world();
    const other = await agent('b');
    await agent('a');
    const { token } = await call(other, 'request_permission', ask('b', 'SAP_API'));
    await guard.agents.remove('a');
    expect(await call(other, 'validate_token', { token, agent_id: 'b', resource_type: 'SAP_API' })).toMatchObject({ valid: true });
  });
});

describe('events of the guardian', () => {
  it('tell of every grant, refusal and revocation, without the token', async () => {
    const { agent, call, guard } = world();
    const seen: object[] = [];
    for (const name of ['grant-issued', 'grant-refused', 'grant-revoked'] as const) guard.events.on(name, (event: object) => seen.push(event));
    const caller = await agent('a');
    const { token, grant_id } = await call(caller, 'request_permission', ask('a', 'SAP_API'));
    await call(caller, 'request_permission', ask('a', 'DATA_EXPORT'));
    await call(caller, 'revoke_token', { token });
    expect(seen).toEqual([
      { type: 'grant-issued', grantId: grant_id, agent: 'a', resource: 'SAP_API' },
      { type: 'grant-refused', agent: 'a', resource: 'DATA_EXPORT', policies: ['default-deny'] },
      { type: 'grant-revoked', grantId: grant_id, agent: 'a', resource: 'SAP_API' },
    ]);
  });

  it('do not disturb an answer when a listener throws', async () => {
    const { agent, call, guard } = world();
    let later = 0;
    guard.events.on('grant-issued', () => {
      throw new Error('a bad listener');
    });
    guard.events.on('grant-issued', () => {
      later += 1;
    });
    expect(await call(await agent('a'), 'request_permission', ask('a', 'SAP_API'))).toMatchObject({ granted: true });
    expect(later).toBe(1);
  });

  it('go with a notice that both resources have changed', async () => {
    const { agent, call, hub } = world();
    const changed: string[] = [];
    hub.events.on('resource-updated', ({ uri }) => changed.push(uri));
    await call(await agent('a'), 'request_permission', ask('a', 'SAP_API'));
    expect(changed.sort()).toEqual(['grants://active', 'grants://audit']);
  });
});

describe('the order of writing and answering', () => {
  it('gives no token when the trail cannot be written', async () => {
    const store = createMemoryStore();
    const broken = { ...store, append: () => Promise.reject(new Error('disk full')) };
    const guard = guardian({ store: broken, engine });
    const hub = createHub({ modules: [guard] });
    const { key } = await guard.agents.add({ name: 'a' });
    const principal = await guard.authenticator.authenticate(key, from.local);
    if (principal === undefined) throw new Error('the key was not accepted');
    const answer = await hub.call({ name: 'request_permission', arguments: ask('a', 'SAP_API'), principal, face: 'local' });
    expect(JSON.stringify(answer)).not.toContain('gt_');
    expect(answer).toMatchObject({ isError: true });
  });

  it('leaves one trail entry for every answer when many ask at once', async () => {
    const { agent, call, store, guard } = world();
    const caller = await agent('a');
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => call(caller, 'request_permission', ask('a', index % 2 === 0 ? 'SAP_API' : 'DATA_EXPORT'))),
    );
    const records: JournalRecord[] = [];
    for await (const record of store.read('guardian/trail')) records.push(record);
    expect(records).toHaveLength(100);
    expect(new Set(answers.flatMap(({ grant_id }) => grant_id ?? []))).toEqual(new Set((await guard.grants.list()).map(({ id }) => id)));
  });
});

describe('what callers from outside may do', () => {
  const tool = (name: string, category: string, effect: 'read' | 'write' | 'admin') =>
    defineTool({
      name,
      description: 'For this test.',
      category,
      effect,
      input: z.strictObject({}),
      output: z.object({ done: z.boolean() }),
      run: async () => ({ done: true }),
    });

  it.each([
    ['read', 'notes', true],
    ['write', 'notes', false],
    ['admin', 'notes', false],
    ['write', 'permission', true],
    ['admin', 'permission', false],
  ] as const)('a tool that does %s in the category %s: %s', async (effect, category, allowed) => {
    const { hub, admin, call } = world();
    hub.register({ tools: [tool('probe', category, effect)] });
    const boss = await admin(from.external);
    expect(await call(boss, 'probe', {})).toMatchObject(allowed ? { done: true } : { code: 'DENIED', policies: ['external-read-only'] });
  });

  it('ask, and are told no by a named policy', async () => {
    const { agent, call } = world();
    const caller = await agent('a', from.external);
    expect(await call(caller, 'request_permission', ask('a', 'SAP_API'))).toMatchObject({ granted: false, policies: ['external-no-grants'] });
    expect(await call(caller, 'validate_token', { token: '__proto__', agent_id: 'a', resource_type: 'SAP_API' })).toMatchObject({ code: 'INVALID_INPUT' });
  });
});
