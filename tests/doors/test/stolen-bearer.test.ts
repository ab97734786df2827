import type { AnomalyRules, CredentialMoved } from '@meshwork/guardian';
import { type AgentKeyPair, createAgentKey, openSession } from '@meshwork/guardian/agent';
import type { ConnectionFacts } from '@meshwork/transports';
import { afterEach, describe, expect, it } from 'vitest';
import { doorOf, networkFaces } from '../src/faces.ts';
import { createWorld, type World } from '../src/world.ts';

const OFFICE = '10.1.2.3';
const ELSEWHERE = '10.9.8.7';
const worlds: World[] = [];
afterEach(async () => {
  for (const { hub } of worlds.splice(0)) await hub.close();
});

function makeWorld(anomalies?: AnomalyRules) {
  const world = createWorld(anomalies === undefined ? {} : { anomalies });
  worlds.push(world);
  const moves: CredentialMoved[] = [];
  world.guard.events.on('credential-moved', (event) => moves.push(event));
  return { world, moves };
}

/** Calls a tool over REST, with a credential, from an address. */
function caller(world: World, key: string, remoteAddress: string, facts: ConnectionFacts = {}) {
  const { send } = doorOf(world, { key, facts: { remoteAddress, ...facts } }, 'trusted');
  return async (name: string, args: object = {}) => {
    const response = await send(`/mcp/tools/${name}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(args) });
    const body = (await response.json()) as { structuredContent?: Record<string, unknown>; policies?: string[]; reauthenticate?: boolean; detail?: string };
    return { status: response.status, ...body };
  };
}

async function alice(world: World) {
  const { key } = await world.guard.agents.add({ name: 'alice' });
  const pair = await createAgentKey();
  await world.guard.agentKeys.add('alice', pair.publicKey);
  return { key, pair };
}

/** Opens a session with a credential from an address. */
async function signIn(world: World, key: string, { privateKey }: Pick<AgentKeyPair, 'privateKey'>, address: string, facts?: ConnectionFacts) {
  return (await openSession({ call: caller(world, key, address, facts), agentId: 'alice', privateKey })).token;
}

const asked = { status: 403, code: 'DENIED', policies: ['credential-place'], reauthenticate: true, detail: expect.stringContaining('authenticate again') };
const good = { status: 200 };

describe('T08: a session token that is suddenly used from elsewhere', () => {
  it.each([
    ['another network', ELSEWHERE],
    ['another zone', '127.0.0.1'],
  ])('only reads from %s, and goes on where it was opened', async (_, there) => {
    const { world, moves } = makeWorld();
    const { key, pair } = await alice(world);
    const token = await signIn(world, key, pair, OFFICE);
    const [owner, thief] = [caller(world, token, OFFICE), caller(world, token, there)];
    expect(await owner('other_write')).toMatchObject(good);
    for (const tool of ['other_write', 'skills_write', 'permission_write', 'other_admin', 'request_permission', 'revoke_token'])
      expect([tool, await thief(tool, argumentsOf[tool])]).toMatchObject([tool, asked]);
    expect(await thief('other_read')).toMatchObject(good);
    expect(await owner('other_write')).toMatchObject(good);
    expect(await world.guard.grants.list()).toEqual([]);
    expect(moves).toEqual([expect.objectContaining({ principal: 'alice', method: 'session', from: '10.1.2.0/24 (trusted)', mode: 'step-up' })]);
  });

  it('only reads there also when the thief is the first to use it', async () => {
    const { world } = makeWorld();
    const { key, pair } = await alice(world);
    const token = await signIn(world, key, pair, OFFICE);
    expect(await caller(world, token, ELSEWHERE)('other_write')).toMatchObject(asked);
  });

  it('leaves a record of each refusal, and of the first call from there', async () => {
    const { world } = makeWorld();
    const { key, pair } = await alice(world);
    const token = await signIn(world, key, pair, OFFICE);
    const thief = caller(world, token, ELSEWHERE);
    for (const tool of ['other_read', 'other_read', 'other_write', 'other_write']) await thief(tool);
    const [second, first, again, read] = await world.log.list();
    const reason = expect.stringMatching(/^the session ses_[\w-]+ was used from 10\.1\.2\.0\/24 \(trusted\) before, and now from 10\.9\.8\.0\/24 \(trusted\)$/);
    const place = { by: 'guardian', policies: ['credential-place'], reason };
    for (const record of [first, second]) expect(record).toMatchObject({ outcome: 'denied', decisions: [{ ...place, effect: 'deny' }] });
    expect(read?.decisions).toMatchObject([{ ...place, effect: 'allow' }, { effect: 'allow' }]);
    expect(again?.decisions).toHaveLength(1);
    expect(JSON.stringify(await world.log.list())).not.toContain(token);
  });

  it('may be renewed from there with the key pair, and with no other', async () => {
    const { world, moves } = makeWorld();
    const { key, pair } = await alice(world);
    const token = await signIn(world, key, pair, OFFICE);
    const there = caller(world, token, ELSEWHERE);
    expect(await there('other_write')).toMatchObject(asked);
    await expect(signIn(world, token, await createAgentKey(), ELSEWHERE)).rejects.toMatchObject({ details: { hubCode: 'CHALLENGE_FAILED' } });
    expect(await there('other_write')).toMatchObject(asked);
    const renewed = await signIn(world, token, pair, ELSEWHERE);
    expect(await caller(world, renewed, ELSEWHERE)('other_write')).toMatchObject(good);
    expect(await there('other_write')).toMatchObject(good);
    // Both networks are the agent's own now, and no third.
    expect(await caller(world, renewed, OFFICE)('other_write')).toMatchObject(good);
    expect(await caller(world, renewed, '10.7.7.7')('other_write')).toMatchObject(asked);
    expect(moves).toHaveLength(2);
  });

  it.each([
    ['10.1.2.3', '10.1.2.250', good],
    ['10.1.2.3', '::ffff:10.1.2.9', good],
    ['10.1.2.3', '10.1.3.3', asked],
    ['fd00:1:2:3::1', 'fd00:1:2:3:ffff::9', good],
    ['fd00:1:2:3::1', 'fd00:1:2:4::1', asked],
    ['127.0.0.1', '::1', good],
  ])('is used from %s, then from %s', async (one, other, answer) => {
    const { world } = makeWorld();
    const { key, pair } = await alice(world);
    const token = await signIn(world, key, pair, one);
    const tool = one.startsWith('fd00') ? 'permission_write' : 'other_write';
    expect(await caller(world, token, one)(tool)).toMatchObject(good);
    expect(await caller(world, token, other)(tool)).toMatchObject(answer);
  });

  it.each(Object.entries(networkFaces))('only reads from there over %s', async (_, open) => {
    const { world } = makeWorld();
    const { key, pair } = await alice(world);
    const token = await signIn(world, key, pair, OFFICE);
    const thief = await open(world, { key: token }, 'local');
    if (typeof thief === 'number') throw new Error(`the door answered ${thief}`);
    expect(await thief.call('other_write')).toEqual(['credential-place']);
    expect(await thief.call('other_read')).toBe('ok');
    await thief.close();
  });

  it('is only recorded, or not looked at, where the hub is set so', async () => {
    for (const [mode, events] of [['record', 1] as const, ['off', 0] as const]) {
      const { world, moves } = makeWorld({ sessions: mode });
      const { key, pair } = await alice(world);
      const thief = caller(world, await signIn(world, key, pair, OFFICE), ELSEWHERE);
      expect(await thief('other_write')).toMatchObject(good);
      expect(await thief('other_write')).toMatchObject(good);
      expect(moves).toHaveLength(events);
      const [, first] = await world.log.list();
      expect(first?.decisions).toHaveLength(1 + events);
    }
  });

  it('does not hand its places on to a later agent of the name', async () => {
    const { world } = makeWorld();
    const first = await alice(world);
    await signIn(world, first.key, first.pair, ELSEWHERE);
    await world.guard.agents.remove('alice');
    world.clock.advance(1);
    const { key, pair } = await alice(world);
    const token = await signIn(world, key, pair, OFFICE);
    expect(await caller(world, token, ELSEWHERE)('other_write')).toMatchObject(asked);
  });
});

describe('T08: an API key that is suddenly used from elsewhere', () => {
  it('goes on, and the records and an event say so once for each place', async () => {
    const { world, moves } = makeWorld();
    const { key } = await alice(world);
    for (const address of [OFFICE, ELSEWHERE, OFFICE, ELSEWHERE, ELSEWHERE]) expect(await caller(world, key, address)('other_write')).toMatchObject(good);
    expect(moves).toMatchObject([{ method: 'api-key', to: '10.9.8.0/24 (trusted)', mode: 'record' }]);
    const told = (await world.log.list()).filter(({ decisions }) => decisions?.some(({ policies }) => policies.includes('credential-place')));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ outcome: 'ok', principal: { address: ELSEWHERE } });
  });

  it('only reads where the hub is set so, until its agent has signed in from there', async () => {
    const { world } = makeWorld({ apiKeys: 'step-up' });
    const { key, pair } = await alice(world);
    const there = caller(world, key, ELSEWHERE);
    expect(await caller(world, key, OFFICE)('other_write')).toMatchObject(good);
    expect(await there('other_write')).toMatchObject(asked);
    expect(await there('other_read')).toMatchObject(good);
    await signIn(world, key, pair, ELSEWHERE);
    expect(await there('other_write')).toMatchObject(good);
  });

  it('has not moved when it has networks of its own', async () => {
    const { world, moves } = makeWorld({ apiKeys: 'step-up' });
    await alice(world);
    const { key } = await world.guard.keys.create({ agent: 'alice', networks: ['10.0.0.0/8'] });
    const tries = [OFFICE, ELSEWHERE, ELSEWHERE].map((address) => caller(world, key, address)('other_write'));
    for (const answer of await Promise.all(tries)) expect(answer).toMatchObject(good);
    expect(moves).toEqual([]);
  });
});

describe('T08: a grant that was asked for with a key or a certificate', () => {
  const certificate = { names: ['URI:urn:meshwork:agent:alice'], thumbprint: 'A'.repeat(43) };
  const other = { names: ['URI:urn:meshwork:agent:alice'], thumbprint: 'B'.repeat(43) };
  const request = { agent_id: 'alice', resource_type: 'EXTERNAL_SERVICE', justification: 'quarterly figures' };
  const check = (token: unknown, more = {}) => ({ token, agent_id: 'alice', resource_type: 'EXTERNAL_SERVICE', ...more });
  const tokenIn = ({ structuredContent }: { structuredContent?: Record<string, unknown> }) => structuredContent?.token;

  it('is worth nothing to its agent’s other credentials', async () => {
    const { world } = makeWorld();
    const { key, pair } = await alice(world);
    const session = caller(world, await signIn(world, key, pair, OFFICE), OFFICE);
    const withKey = caller(world, key, OFFICE);
    const withCertificate = caller(world, key, OFFICE, { encrypted: true, certificate });
    const withOther = caller(world, key, OFFICE, { encrypted: true, certificate: other });
    const bySession = tokenIn(await session('request_permission', request));
    const byCertificate = tokenIn(await withCertificate('request_permission', request));
    const byKey = tokenIn(await withKey('request_permission', request));
    const bound = async (call: typeof session, token: unknown) => (await call('validate_token', check(token))).structuredContent?.valid;
    expect([await bound(session, bySession), await bound(withKey, bySession), await bound(withCertificate, bySession)]).toEqual([true, false, false]);
    expect([await bound(withCertificate, byCertificate), await bound(withOther, byCertificate), await bound(withKey, byCertificate)]).toEqual([
      true,
      false,
      false,
    ]);
    // One that was asked for with a key alone is bound to its agent, as ever.
    expect([await bound(withKey, byKey), await bound(session, byKey), await bound(withCertificate, byKey)]).toEqual([true, true, true]);
  });

  it('cannot be claimed by saying what it is bound to, and can still be given back', async () => {
    const { world } = makeWorld();
    const { key, pair } = await alice(world);
    const token = tokenIn(await caller(world, await signIn(world, key, pair, OFFICE), OFFICE)('request_permission', request));
    const thief = caller(world, key, OFFICE);
    const claimed = await thief('validate_token', check(token, { bound_to: `jkt:${pair.kid}` }));
    expect(claimed.structuredContent).toMatchObject({ valid: false, reason: expect.stringContaining('bound to a key or certificate') });
    expect((await thief('revoke_token', { token })).structuredContent).toMatchObject({ revoked: true });
  });

  it('tells whoever guards the resource what to compare, or compares it', async () => {
    const { world } = makeWorld();
    const { key, pair } = await alice(world);
    const guardKey = (await world.guard.agents.add({ name: 'sap-gate' })).key;
    const gate = caller(world, guardKey, OFFICE);
    const token = tokenIn(await caller(world, key, OFFICE, { encrypted: true, certificate })('request_permission', request));
    const boundTo = `x5t#S256:${certificate.thumbprint}`;
    const answerTo = async (more?: object) => (await gate('validate_token', check(token, more))).structuredContent;
    expect(await answerTo()).toMatchObject({ valid: true, bound_to: boundTo });
    expect(await answerTo({ bound_to: boundTo })).toMatchObject({ valid: true });
    expect(await answerTo({ bound_to: `x5t#S256:${other.thumbprint}` })).toMatchObject({ valid: false });
    expect(await answerTo({ bound_to: `jkt:${pair.kid}` })).toMatchObject({ valid: false });
  });

  it('is not bound to the certificate of an admin who asked for it', async () => {
    const { world } = makeWorld();
    const { key } = await alice(world);
    const boss = caller(world, await world.guard.createAdminKey(), OFFICE, { encrypted: true, certificate: { names: [], thumbprint: 'C'.repeat(43) } });
    const token = tokenIn(await boss('request_permission', request));
    expect((await caller(world, key, OFFICE)('validate_token', check(token))).structuredContent).toMatchObject({ valid: true });
  });
});

const argumentsOf: Readonly<Record<string, object>> = {
  request_permission: { agent_id: 'alice', resource_type: 'EXTERNAL_SERVICE', justification: 'quarterly figures' },
  revoke_token: { token: `gt_${'A'.repeat(43)}` },
};
