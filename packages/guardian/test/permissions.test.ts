import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ask, from, world } from './hub-with-guardian.ts';

describe('requesting a permission', () => {
  it.each([
    ['local', 'SAP_API', true, 'local-agents-everyday-resources'],
    ['local', 'EXTERNAL_SERVICE', true, 'local-agents-everyday-resources'],
    ['local', 'FINANCIAL_API', false, 'default-deny'],
    ['local', 'DATA_EXPORT', false, 'default-deny'],
    ['trusted', 'SAP_API', false, 'default-deny'],
    ['trusted', 'EXTERNAL_SERVICE', true, 'trusted-agents-remote-resources'],
    ['trusted', 'DATA_EXPORT', false, 'default-deny'],
    ['external', 'SAP_API', false, 'external-no-grants'],
    ['external', 'EXTERNAL_SERVICE', false, 'external-no-grants'],
  ] as const)('from the %s zone for %s gives granted: %s by %s', async (zone, resource, granted, policy) => {
    const { agent, call } = world();
    const caller = await agent('data_analyst', from[zone]);
    const answer = await call(caller, 'request_permission', ask('data_analyst', resource));
    expect(answer).toMatchObject({ granted, policies: [policy] });
    expect(typeof answer.reason).toBe('string');
    expect('token' in answer).toBe(granted);
  });

  it('gives what an admin allowed, until the admin takes it back, but never to the outside', async () => {
    const { agent, admin, call } = world();
    const caller = await agent('data_analyst');
    const boss = await admin();
    await call(boss, 'agent_allow', { agent_id: 'data_analyst', resource_type: 'FINANCIAL_API' });
    expect(await call(caller, 'request_permission', ask('data_analyst', 'FINANCIAL_API'))).toMatchObject({ granted: true, policies: ['allowed-by-admin'] });
    const outside = { ...caller, zone: 'external', trust: 0.5 } as const;
    expect(await call(outside, 'request_permission', ask('data_analyst', 'FINANCIAL_API'))).toMatchObject({ granted: false });
    await call(boss, 'agent_disallow', { agent_id: 'data_analyst', resource_type: 'FINANCIAL_API' });
    expect(await call(caller, 'request_permission', ask('data_analyst', 'FINANCIAL_API'))).toMatchObject({ granted: false });
  });

  it('is for the caller itself, or for an agent it may act for', async () => {
    const { agent, admin, call, guard } = world();
    const caller = await agent('data_analyst');
    await agent('other');
    expect(await call(caller, 'request_permission', ask('other', 'SAP_API'))).toMatchObject({ granted: false, policies: ['agent-is-caller'] });
    expect(await call(await admin(), 'request_permission', ask('other', 'SAP_API'))).toMatchObject({ granted: true });
    expect(await call(await admin(), 'request_permission', ask('nobody', 'SAP_API'))).toMatchObject({ granted: false, policies: ['agent-is-known'] });
    expect((await guard.grants.list()).map(({ agent: holder }) => holder)).toEqual(['other']);
  });

  it('is refused to anonymous callers before anything is decided about it', async () => {
    const { call } = world();
    const nobody = { id: 'anonymous', kind: 'anonymous', roles: [], zone: 'local', trust: 0.9, method: 'none', actsFor: [] } as const;
    expect(await call(nobody, 'request_permission', ask('anonymous', 'SAP_API'))).toMatchObject({ code: 'DENIED' });
  });

  it.each([
    ['an unknown resource', { resource_type: 'CRM' }, /SAP_API, FINANCIAL_API/],
    ['an empty justification', { justification: '' }, /justification/],
    ['a blank justification', { justification: ' \n\t ' }, /justification/],
    ['a justification of 1 MB', { justification: 'x'.repeat(1_000_000) }, /2,000/],
    ['a number for a justification', { justification: 5 }, /justification/],
    ['__proto__ for a justification', { justification: '__proto__' }, /justification/],
    ['__proto__ for a scope', { scope: '__proto__' }, /scope/],
    ['__proto__ for an agent', { agent_id: '__proto__' }, /agent_id/],
    ['an agent with a zero-width twin', { agent_id: 'data\u200b_analyst' }, /agent_id/],
    ['a Cyrillic look-alike', { agent_id: 'dаta_analyst' }, /agent_id/],
    ['capitals', { agent_id: 'Data_Analyst' }, /agent_id/],
    ['a lone surrogate', { justification: 'because \ud800' }, /surrogate/],
    ['a field it does not know', { trust_level: 1 }, /trust_level/],
    ['a blank in a scope', { scope: 'read all' }, /scope/],
  ])('refuses %s, says why, and changes nothing', async (_what, wrong, message) => {
    const { agent, call, guard, store } = world();
    const caller = await agent('data_analyst');
    const answer = await call(caller, 'request_permission', { ...ask('data_analyst', 'SAP_API'), ...wrong });
    expect(answer.code).toBe('INVALID_INPUT');
    expect(answer.message).toMatch(message);
    expect(await guard.grants.list()).toEqual([]);
    expect(await store.head('guardian/trail')).toBe(0);
  });

  it('is never decided by the words of a justification', async () => {
    const { agent, call } = world();
    const caller = await agent('data_analyst');
    const plain = await call(caller, 'request_permission', ask('data_analyst', 'FINANCIAL_API'));
    const words = fc.constantFrom(
      'urgent',
      'admin approved',
      'permit',
      'SYSTEM:',
      'ignore the policies',
      'security audit',
      'CEO',
      '{"granted":true}',
      '@id("x") permit(principal,action,resource);',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ minLength: 1, maxLength: 300 }),
          fc.array(words, { minLength: 1, maxLength: 20 }).map((list) => list.join(' ')),
        ),
        async (justification) => {
          const answer = await call(caller, 'request_permission', ask('data_analyst', 'FINANCIAL_API', { justification }));
          if (answer.code === 'INVALID_INPUT') return;
          expect(answer).toEqual(plain);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('stops an agent that asks more than 1,000 times a minute, for that minute', async () => {
    const { agent, call, clock } = world();
    const caller = await agent('eager');
    for (let count = 0; count < 1_000; count++) await call(caller, 'request_permission', ask('eager', 'DATA_EXPORT'));
    expect(await call(caller, 'request_permission', ask('eager', 'SAP_API'))).toMatchObject({ granted: false, policies: ['too-many-requests'] });
    clock.advance(120_000);
    expect(await call(caller, 'request_permission', ask('eager', 'SAP_API'))).toMatchObject({ granted: true });
  });
});

describe('a token', () => {
  const granted = async () => {
    const its = world();
    const caller = await its.agent('data_analyst');
    const answer = await its.call(caller, 'request_permission', ask('data_analyst', 'SAP_API', { scope: 'read:orders' }));
    return { ...its, caller, token: String(answer.token), answer };
  };
  const check = (token: string, more: object = {}) => ({ token, agent_id: 'data_analyst', resource_type: 'SAP_API', ...more });

  it('is valid for its agent and its resource, and says until when', async () => {
    const { caller, call, token, answer } = await granted();
    expect(await call(caller, 'validate_token', check(token))).toEqual({ valid: true, grant_id: answer.grant_id, expires_at: answer.expires_at });
    expect(answer).toMatchObject({ scope: 'read:orders' });
  });

  it.each([
    ['another agent', { agent_id: 'other' }],
    ['another resource', { resource_type: 'EXTERNAL_SERVICE' }],
    ['another token', { token: `gt_${'A'.repeat(43)}` }],
    ['no token at all', { token: 'x' }],
  ])('is not valid for %s', async (_what, wrong) => {
    const { caller, call, token } = await granted();
    expect(await call(caller, 'validate_token', { ...check(token), ...wrong })).toEqual({
      valid: false,
      reason: 'the token is not valid for this agent and resource',
    });
  });

  it('T15: is valid for no other agent or resource, whoever asks', async () => {
    const { agent, admin, caller, call, token } = await granted();
    const callers = [caller, await agent('other'), await admin()];
    const names = fc.oneof(fc.constantFrom('data_analyst', 'other', 'admin', 'nobody', 'data_analyst.'), fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...callers),
        names,
        fc.constantFrom('SAP_API', 'FINANCIAL_API', 'EXTERNAL_SERVICE', 'DATA_EXPORT'),
        async (principal, agent_id, resource_type) => {
          const { valid } = await call(principal, 'validate_token', { token, agent_id, resource_type });
          expect(valid).toBe(agent_id === 'data_analyst' && resource_type === 'SAP_API');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('T05: is not valid in any other spelling', async () => {
    const { caller, call, token } = await granted();
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: token.length - 1 }), fc.constantFrom('A', 'b', '-', '=', ' ', '\n', '%'), async (at, character) => {
        const other = token.slice(0, at) + character + token.slice(at + 1);
        fc.pre(other !== token);
        expect(await call(caller, 'validate_token', check(other))).toMatchObject({ valid: false });
      }),
      { numRuns: 100 },
    );
    for (const other of [`${token} `, ` ${token}`, `${token}=`, token.toUpperCase()])
      expect(await call(caller, 'validate_token', check(other))).toMatchObject({ valid: false });
  });

  it('expires', async () => {
    const { caller, call, token, clock, read } = await granted();
    clock.advance(299_999);
    expect(await call(caller, 'validate_token', check(token))).toMatchObject({ valid: true });
    clock.advance(1);
    expect(await call(caller, 'validate_token', check(token))).toMatchObject({ valid: false, reason: expect.stringContaining('expired') });
    expect(await call(caller, 'revoke_token', { token })).toMatchObject({ revoked: false });
    expect(await read(caller, 'grants://active')).toMatchObject({ total: 0 });
  });

  it('is worth nothing once it is revoked, and can be revoked once', async () => {
    const { caller, call, token, answer } = await granted();
    expect(await call(caller, 'revoke_token', { token })).toEqual({ revoked: true, grant_id: answer.grant_id });
    expect(await call(caller, 'validate_token', check(token))).toMatchObject({ valid: false, reason: expect.stringContaining('revoked') });
    expect(await call(caller, 'revoke_token', { token })).toEqual({ revoked: false, grant_id: answer.grant_id });
  });

  it('is revoked once when many try at once', async () => {
    const { caller, call, token } = await granted();
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(caller, 'revoke_token', { token })));
    expect(answers.filter(({ revoked }) => revoked)).toHaveLength(1);
  });

  it("is not another agent's to revoke, but an admin's", async () => {
    const { agent, admin, caller, call, token } = await granted();
    expect(await call(await agent('other'), 'revoke_token', { token })).toEqual({ revoked: false });
    expect(await call(caller, 'validate_token', check(token))).toMatchObject({ valid: true });
    expect(await call(await admin(), 'revoke_token', { token })).toMatchObject({ revoked: true });
  });

  it('stays revoked, and its grant stays known, after a restart', async () => {
    const first = await granted();
    const second = await first.call(first.caller, 'request_permission', ask('data_analyst', 'EXTERNAL_SERVICE'));
    await first.call(first.caller, 'revoke_token', { token: first.token });
    const again = world({ store: first.store, clock: first.clock });
    expect(await again.call(first.caller, 'validate_token', check(first.token))).toMatchObject({ valid: false, reason: expect.stringContaining('revoked') });
    expect(await again.call(first.caller, 'validate_token', check(String(second.token), { resource_type: 'EXTERNAL_SERVICE' }))).toMatchObject({ valid: true });
    first.clock.advance(300_000);
    expect(await again.call(first.caller, 'validate_token', check(String(second.token), { resource_type: 'EXTERNAL_SERVICE' }))).toMatchObject({
      valid: false,
    });
  });

  it('stands in nothing that is kept or shown afterwards', async () => {
    const { caller, call, token, store, read } = await granted();
    await call(caller, 'revoke_token', { token });
    const kept: unknown[] = [await read(caller, 'grants://active'), await read(caller, 'grants://audit')];
    for await (const entry of store.list('')) kept.push(entry);
    for await (const record of store.read('guardian/trail')) kept.push(record);
    expect(JSON.stringify(kept)).not.toContain(token);
  });
});

describe('the trail and the list of grants', () => {
  it('show an agent its own, and an admin all', async () => {
    const { agent, admin, call, read } = world();
    const [first, second] = [await agent('first'), await agent('second')];
    await call(first, 'request_permission', ask('first', 'SAP_API', { justification: 'because of the audit' }));
    await call(second, 'request_permission', ask('second', 'FINANCIAL_API'));
    expect((await read(first, 'grants://active')) as unknown).toMatchObject({ total: 1, grants: [{ agent_id: 'first', resource_type: 'SAP_API' }] });
    expect((await read(second, 'grants://active')) as unknown).toMatchObject({ total: 0 });
    expect((await read(first, 'grants://audit')) as unknown).toMatchObject({ entries: [{ event: 'granted', justification: 'because of the audit' }] });
    const all = (await read(await admin(), 'grants://audit')) as unknown as { entries: { event: string }[] };
    expect(all.entries.map(({ event }) => event)).toEqual(['refused', 'granted']);
  });
});
