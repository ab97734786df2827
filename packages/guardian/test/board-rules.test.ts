import { createMemoryStore, inProcessPrincipal, type Principal, type Zone, zoneTrust } from '@meshwork/core';
import { type BoardRule, boardPolicies, guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const accessOf = (policies: string) =>
  guardian({
    store: createMemoryStore(),
    engine: createCedarEngine({
      policies,
      schema: standardSchema,
      shadow: {
        every: 1,
        onMismatch: (event) => {
          throw new Error(JSON.stringify(event));
        },
      },
    }),
  }).boardAccess;

const agent = (id: string, zone: Zone = 'local', roles: string[] = []): Principal => ({
  id,
  kind: 'agent',
  roles,
  zone,
  trust: zoneTrust[zone],
  method: 'api-key',
  actsFor: [],
});
const nobody: Principal = { ...agent('nobody'), kind: 'anonymous', method: 'none' };
const admin = inProcessPrincipal('root', { roles: ['admin'] });
const effects = (access: ReturnType<typeof accessOf>, principal: Principal, key: string, board = 'main') =>
  (['read', 'write'] as const).filter((action) => access.check({ principal, board, key, action }).effect === 'allow');

describe('the standard policies about boards', () => {
  const access = accessOf(standardPolicies);

  it.each<[string, Principal, string[]]>([
    ['an agent on this machine', agent('ana'), ['read', 'write']],
    ['an agent in a trusted network', agent('ana', 'trusted'), ['read', 'write']],
    ['an agent outside', agent('ana', 'external'), ['read']],
    ['an admin', admin, ['read', 'write']],
    ['an admin outside', { ...admin, zone: 'external' }, ['read']],
    ['nobody', nobody, []],
  ])('let %s do what it may do with tools', (_who, principal, expected) => {
    for (const key of ['', 'plans/q4', '__proto__', '*']) expect(effects(access, principal, key)).toEqual(expected);
  });

  it('refuse what cannot be decided', () => {
    expect(access.check({ principal: agent('ana'), board: 'main', key: '\ud800', action: 'read' })).toMatchObject({
      effect: 'deny',
      policies: ['policy-error'],
    });
  });
});

describe("an operator's own policies", () => {
  it('go by board and key prefix, and say why', () => {
    const access = accessOf(`${standardPolicies}
      @id("plans-are-of-planners") @reason("plans are written by planners")
      forbid (principal, action == Meshwork::Action::"writeBoard", resource)
      when { resource.board == "main" && resource.key like "plans/*" } unless { principal in Meshwork::Role::"planner" };`);
    expect(effects(access, agent('ana'), 'plans/q4')).toEqual(['read']);
    expect(effects(access, agent('ana'), 'plan')).toEqual(['read', 'write']);
    expect(effects(access, agent('ana'), 'plans/q4', 'other')).toEqual(['read', 'write']);
    expect(effects(access, agent('ana', 'local', ['planner']), 'plans/q4')).toEqual(['read', 'write']);
    expect(access.check({ principal: agent('ana'), board: 'main', key: 'plans/q4', action: 'write' })).toEqual({
      effect: 'deny',
      policies: ['plans-are-of-planners'],
      reason: 'plans are written by planners',
    });
  });
});

describe('T33: rules of boards', () => {
  const names = ['ana', 'bo', 'a"\\*\u0007'];
  const prefixes = ['', 'a', 'a/', 'a/b', 'a*', '*', '"', '\\', 'a\nb', '\u200b', '😀'];
  const party = fc.constantFrom('*', 'role:staff', ...names.map((name) => `agent:${name}`), 'user:ana');
  const list = fc.option(fc.array(party, { maxLength: 3 }), { nil: undefined });
  const rule = fc.record({ board: fc.constantFrom('main', 'other'), prefix: fc.constantFrom(...prefixes), read: list, write: list });
  const anyRules = fc.uniqueArray(rule, { maxLength: 6, selector: ({ board, prefix }) => JSON.stringify([board, prefix]) });

  /** What they mean, in other words. */
  const mayBy = (rules: readonly BoardRule[], { id, kind, roles }: Principal, board: string, key: string, action: 'read' | 'write') => {
    const [decides] = rules.filter((each) => each.board === board && key.startsWith(each.prefix)).toSorted((a, b) => b.prefix.length - a.prefix.length);
    const parties = decides?.[action] ?? ['*'];
    return ['*', `${kind}:${id}`].some((each) => parties.includes(each)) || roles.some((role) => role === 'admin' || parties.includes(`role:${role}`));
  };

  it('hold whatever the other policies permit: of several the longest prefix decides', () => {
    const callers = [...names.map((name) => agent(name)), agent('cy', 'local', ['staff']), inProcessPrincipal('ana'), admin];
    const keys = [...prefixes, 'a/b/c', 'a*b', 'b', 'ab'];
    fc.assert(
      fc.property(anyRules, (drawn) => {
        const rules = drawn as readonly BoardRule[];
        const access = accessOf(`${standardPolicies}${boardPolicies(rules)}`);
        for (const principal of callers)
          for (const key of keys)
            for (const board of ['main', 'other'])
              for (const action of ['read', 'write'] as const) {
                const expected = mayBy(rules, principal, board, key, action) ? 'allow' : 'deny';
                expect([principal.id, board, key, action, access.check({ principal, board, key, action }).effect]).toEqual([
                  principal.id,
                  board,
                  key,
                  action,
                  expected,
                ]);
              }
      }),
      { numRuns: 40 },
    );
  });

  it('permit nothing by themselves', () => {
    const access = accessOf(`${standardPolicies}${boardPolicies([{ board: 'main', prefix: 'x/', read: ['*'], write: ['agent:ana'] }])}`);
    expect(effects(access, nobody, 'x/1')).toEqual([]);
    expect(effects(access, agent('ana', 'external'), 'x/1')).toEqual(['read']);
  });

  it.each<[string, BoardRule[]]>([
    ['a party without its kind', [{ board: 'main', prefix: '', read: ['ana'] }]],
    ['a party without a name', [{ board: 'main', prefix: '', write: ['agent:'] }]],
    [
      'two rules for one prefix',
      [
        { board: 'main', prefix: 'a' },
        { board: 'main', prefix: 'a' },
      ],
    ],
  ])('are refused with %s', (_what, rules) => {
    expect(() => boardPolicies(rules)).toThrow(TypeError);
  });
});
