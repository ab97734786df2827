import { type CallRequest, createHub, createMemoryKeyValueStore, defineTool, type KeyValueStore, type Principal, toolAnswer, zoneTrust } from '@meshwork/core';
import { defaultLimitRules, type LimitRule, type RateLimitsOptions, rateLimits } from '@meshwork/transports/limits';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { withRest } from './rest-world.ts';

/** Time stands still until it is moved. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const alice: Principal = {
  id: 'alice',
  kind: 'agent',
  roles: [],
  zone: 'external',
  trust: zoneTrust.external,
  method: 'api-key',
  actsFor: [],
  address: '192.0.2.1',
};
const tool = (name: string, category = 'communication') =>
  defineTool({ name, category, description: name, effect: 'write', input: z.looseObject({}), run: () => toolAnswer([]) });
const tools = ['message_send', 'message_broadcast', 'consensus_propose'].map((name) => tool(name));

function world(options: RateLimitsOptions = {}) {
  const hub = createHub({
    modules: [
      rateLimits(options),
      { name: 'm', tools: [...tools, tool('vm_create', 'vm')], resources: [{ uri: 'a://b', name: 'b', read: () => ({ text: 'x' }) }] },
    ],
  });
  /** How many of so many calls were let through. */
  const calls = async (times: number, principal: Partial<Principal> = {}, request: Partial<CallRequest> = {}) => {
    let through = 0;
    for (let at = 0; at < times; at++) {
      const result = await hub
        .call({ name: 'message_send', arguments: {}, face: 'mcp', ...request, principal: { ...alice, ...principal } })
        .catch(() => undefined);
      if (result !== undefined && !('isError' in result && result.isError)) through += 1;
    }
    return through;
  };
  return { hub, calls };
}
const rule = (by: LimitRule['by'], points: number, of?: LimitRule['of']): LimitRule => ({ by, points, perMs: 60_000, ...(of && { of }) });

describe('the limits a hub has by default', () => {
  it('are 50 calls of tools a minute for a caller, and 100 calls for an address', async () => {
    const { calls } = world();
    expect(await calls(60)).toBe(50);
    expect(await calls(60, { id: 'bob' })).toBe(50);
    expect(await calls(1, { id: 'carol' })).toBe(0);
    expect(await calls(1, { id: 'carol', address: '192.0.2.2' })).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(await calls(60)).toBe(50);
  });

  it('count no calls that are exempt', async () => {
    const { calls } = world({ isExempt: ({ call, target }) => call.principal.id === 'hub-b' && target?.kind === 'tool' && target.tool.name === 'vm_create' });
    expect(await calls(200, { id: 'hub-b' }, { name: 'vm_create' })).toBe(200);
    expect(await calls(60, { id: 'hub-b' })).toBe(50);
    expect(await calls(60, {}, { name: 'vm_create' })).toBe(50);
  });

  it('are 10 broadcasts and 5 proposals of those', async () => {
    const { calls } = world();
    expect(await calls(20, {}, { name: 'message_broadcast' })).toBe(10);
    expect(await calls(20, {}, { name: 'consensus_propose' })).toBe(5);
    // What was refused took nothing from the fifty.
    expect(await calls(60)).toBe(35);
  });

  it('do not hold for the machine of the hub', async () => {
    const { calls } = world();
    expect(await calls(200, { zone: 'local' })).toBe(200);
    expect(defaultLimitRules.map(({ points }) => points)).toEqual([5, 10, 50, 100]);
  });
});

describe('a limit', () => {
  it('tells who ran into it once a window, however often that is refused, and a listener that throws refuses nobody', async () => {
    const limits = rateLimits({ rules: [rule('caller', 2), rule('tool', 3)] });
    const told: unknown[] = [];
    limits.events.on('limit-reached', () => {
      throw new Error('a listener that fails');
    });
    limits.events.on('limit-reached', ({ limit, principal, retryAfterMs }) => told.push([limit, principal.id, retryAfterMs]));
    const { hub } = world({ rules: [] });
    const limited = createHub({ modules: [limits, { name: 'm', tools: hub.catalogue.tools }] });
    const call = async (id: string) => {
      const { isError } = (await limited.call({ name: 'message_send', arguments: {}, face: 'mcp', principal: { ...alice, id } })) as { isError?: boolean };
      return isError === true;
    };
    const refused: boolean[] = [];
    for (const id of ['alice', 'alice', 'alice', 'alice', 'bob', 'bob', 'bob', 'alice']) refused.push(await call(id));
    expect(refused).toEqual([false, false, true, true, false, true, true, true]);
    const [byCaller, byTool] = ['2 calls a minute for each caller', '3 calls a minute for each tool'];
    expect(told).toEqual([
      [byCaller, 'alice', 60_000],
      [byTool, 'bob', 60_000],
    ]);
    vi.advanceTimersByTime(60_000);
    for (let times = 0; times < 4; times++) await call('alice');
    expect(told.slice(2)).toEqual([[byCaller, 'alice', 60_000]]);
  });

  it('says which it is and when to come back, and the decision is kept', async () => {
    const { hub } = world({ rules: [rule('caller', 1)] });
    const call = { name: 'message_send', arguments: {}, principal: alice, face: 'mcp' } as const;
    const decided: unknown[] = [];
    hub.events.on('call-finished', (event) => decided.push(event.call.decisions));
    await hub.call(call);
    vi.advanceTimersByTime(18_000);
    expect(await hub.call(call)).toMatchObject({
      isError: true,
      structuredContent: {
        code: 'LIMITED',
        retryAfterMs: 42_000,
        limit: '1 call a minute for each caller',
        message: 'the limit of 1 call a minute for each caller is used up; try again in 42 seconds',
      },
    });
    expect(decided).toEqual([[], [{ by: 'limits', effect: 'deny', policies: [], reason: 'the limit of 1 call a minute for each caller is used up' }]]);
    vi.advanceTimersByTime(42_000);
    expect(await hub.call(call)).toEqual({ kind: 'tool', content: [] });
  });

  it.each<[string, LimitRule, Partial<Principal>, Partial<Principal>]>([
    ['of a caller is one for all its keys', rule('caller', 4), { credentialId: 'mk_1' }, { credentialId: 'mk_2' }],
    ['of a caller is one for all spellings of its id', rule('caller', 4), { id: 'Alice' }, { id: 'ａlice' }],
    ['of a caller is one for all addresses', rule('caller', 4), {}, { address: '198.51.100.7' }],
    ['of an owner is one for all its agents', rule('owner', 4), { id: 'a1', owner: 'acme' }, { id: 'a2', owner: 'ACME' }],
    ['of an organisation is one for all its owners', rule('organisation', 4), { owner: 'a', organisation: 'o' }, { owner: 'b', organisation: 'o' }],
    ['of an address is one for a whole /64', rule('address', 4), { address: '2001:db8:1:2::1' }, { address: '2001:db8:1:2:ffff:ffff:ffff:ffff' }],
    ['of an address is one however it is written', rule('address', 4), { address: '::ffff:192.0.2.1' }, { address: '::ffff:c000:201' }],
    ['of an address is one for IPv4 on both kinds of socket', rule('address', 4), { address: '::ffff:192.0.2.1' }, {}],
    ['of a tool is one for everybody', rule('tool', 4), {}, { id: 'bob' }],
  ])('T32: holds against escape: %s', async (_what, limit, one, another) => {
    const { calls } = world({ rules: [limit] });
    expect([await calls(3, one), await calls(3, another)]).toEqual([3, 1]);
  });

  it.each<[string, LimitRule, Partial<Principal>, Partial<Principal>]>([
    ['callers', rule('caller', 4), {}, { id: 'bob' }],
    ['owners', rule('owner', 4), { owner: 'a' }, { owner: 'b' }],
    ['addresses of another /64', rule('address', 4), { address: '2001:db8:1:2::1' }, { address: '2001:db8:1:3::1' }],
    ['neighbours in IPv4', rule('address', 4), {}, { address: '192.0.2.2' }],
    ['callers who have no owner', rule('owner', 4), { owner: 'a' }, {}],
    ['each caller of a tool', rule(['caller', 'tool'], 4), {}, { id: 'bob' }],
  ])('is not shared by %s', async (_what, limit, one, another) => {
    const { calls } = world({ rules: [limit] });
    expect([await calls(3, one), await calls(3, another)]).toEqual([3, 3]);
  });

  it('counts only what it is about', async () => {
    const { calls } = world({ rules: [rule('caller', 2, { category: ['vm'], zone: ['external'], role: ['operator'] })] });
    const operator = { roles: ['operator'] };
    expect(await calls(5, operator, { name: 'vm_create' })).toBe(2);
    expect(await calls(5, operator)).toBe(5);
    expect(await calls(5, {}, { name: 'vm_create' })).toBe(5);
    expect(await calls(5, { ...operator, zone: 'trusted' }, { name: 'vm_create' })).toBe(5);
  });

  it.each([
    ['in memory', undefined],
    ['in a store', createMemoryKeyValueStore],
  ])('takes nothing from the others when it refuses: %s', async (_where, open) => {
    const store = open?.();
    const { calls } = world({ rules: [rule('address', 4), rule('caller', 3), rule('tool', 1, { tool: ['vm_create'] })], ...(store && { store }) });
    expect(await calls(5, {}, { name: 'vm_create' })).toBe(1);
    expect(await calls(5)).toBe(2);
    expect(await calls(5, { id: 'bob' })).toBe(1);
    await store?.close();
  });

  it('holds for resources too', async () => {
    const { hub, calls } = world({ rules: [rule('caller', 2)] });
    expect(await calls(5, {}, { kind: 'resource', name: 'a://b' })).toBe(2);
    await expect(hub.call({ kind: 'resource', name: 'a://b', principal: alice, face: 'mcp' })).rejects.toMatchObject({ code: 'LIMITED', retryAfterMs: 60_000 });
  });

  it('leaves out the user who runs the hub, unless it names them', async () => {
    const own = { method: 'process-owner', zone: 'local' } as const;
    expect(await world({ rules: [rule('caller', 2)] }).calls(5, own)).toBe(5);
    expect(await world({ rules: [rule('caller', 2, { method: ['process-owner'] })] }).calls(5, own)).toBe(2);
  });

  it('must be made of whole numbers', () => {
    expect(() => rateLimits({ rules: [rule('caller', 0)] })).toThrow(TypeError);
    expect(() => rateLimits({ rules: [{ by: 'caller', points: 1, perMs: 0.5 }] })).toThrow(TypeError);
    expect(() => rateLimits({ rules: [rule([], 1)] })).toThrow(TypeError);
  });

  it('is answered over REST as 429 with Retry-After', () => {
    vi.useRealTimers();
    return withRest(
      async ({ post }) => {
        expect((await post('/mcp/tools/echo', { text: 'x' })).status).toBe(200);
        const refused = await post('/mcp/tools/echo', { text: 'x' });
        expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([429, expect.closeTo(60, -1)]);
        expect(await refused.json()).toMatchObject({ code: 'LIMITED', limit: '1 call a minute for each caller' });
      },
      { modules: [rateLimits({ rules: [rule('caller', 1)] })] },
    );
  });
});

describe('hubs that share a store', () => {
  const limits = { rules: [rule('caller', 10)] };

  it('count together', async () => {
    const store = createMemoryKeyValueStore();
    const [a, b] = [world({ ...limits, store }), world({ ...limits, store })];
    expect([await a.calls(6), await b.calls(6), await a.calls(1)]).toEqual([6, 4, 0]);
    vi.advanceTimersByTime(60_000);
    expect([await b.calls(11), await a.calls(1)]).toEqual([10, 0]);
    await store.close();
  });

  it('never let more through than there are points, however many call at once', async () => {
    const store = createMemoryKeyValueStore();
    const hubs = Array.from({ length: 4 }, () => world({ ...limits, store }));
    const through = await Promise.all(hubs.flatMap(({ calls }) => Array.from({ length: 5 }, () => calls(1))));
    expect(through.reduce((sum, each) => sum + each)).toBe(10);
    await store.close();
  });

  it('ask the store no more about a caller who is over the limit', async () => {
    const store = createMemoryKeyValueStore();
    const { calls } = world({ ...limits, store });
    await calls(11);
    const asked = vi.spyOn(store, 'get');
    expect(await calls(20)).toBe(0);
    expect(asked).not.toHaveBeenCalled();
    await store.close();
  });

  it.each<[string, (real: KeyValueStore) => Partial<KeyValueStore>]>([
    ['fails', () => ({ get: () => Promise.reject(new Error('away')), put: () => Promise.reject(new Error('away')) })],
    ['does not answer', () => ({ get: () => new Promise(() => {}) })],
  ])('count alone while the store %s, and together when it is back', async (_how, broken) => {
    const real = createMemoryKeyValueStore();
    let away = true;
    const store = new Proxy(real, { get: (target, name) => (away && Reflect.get(broken(target), name)) || Reflect.get(target, name) });
    const onError = vi.fn();
    const { calls } = world({ ...limits, store, onError });
    const first = calls(1);
    await vi.advanceTimersByTimeAsync(250);
    // Each hub from zero, and the store is left alone for a second.
    expect([await first, await calls(20)]).toEqual([1, 9]);
    expect(onError).toHaveBeenCalledTimes(1);
    away = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await calls(20)).toBe(10);
    await real.close();
  });
});
