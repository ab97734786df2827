import { createHub, createMemoryStore, defineTool, type Effect, type Principal, toolAnswer } from '@meshwork/core';
import {
  type Facts,
  guardian,
  type MatrixAccess,
  type RoleMatrix,
  rolePolicies,
  standardPolicies,
  standardRoleMatrix,
  standardSchema,
} from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const effects: readonly Effect[] = ['read', 'write', 'admin'];
const callers = {
  anonymous: { kind: 'anonymous', id: 'anonymous', roles: [], allowed: [] },
  authenticated: { kind: 'agent', id: 'data_analyst', roles: [], allowed: [] },
  admin: { kind: 'user', id: 'admin', roles: ['admin'], allowed: [] },
} as const;
const includes: Readonly<Record<MatrixAccess, readonly Effect[]>> = { none: [], read: ['read'], write: ['read', 'write'], admin: effects };

const engineOf = (policies: string) =>
  createCedarEngine({
    policies,
    schema: standardSchema,
    shadow: {
      every: 1,
      onMismatch: (event) => {
        throw new Error(JSON.stringify(event));
      },
    },
  });
const question = (category: string, effect: Effect): Facts['question'] => ({ action: 'call', tool: { name: 'a_tool', category, effect } });

describe('the standard role matrix', () => {
  const engine = engineOf(standardPolicies);
  const cells = Object.entries(standardRoleMatrix).flatMap(([category, roles]) =>
    (['anonymous', 'authenticated', 'admin'] as const).map((role) => ({ category, role, access: roles[role] })),
  );

  it('opens communication, coordination, skills and knowledge to whoever has a credential, monitoring to read, and evolution to admins', () => {
    const everyday = { anonymous: 'none', authenticated: 'write', admin: 'admin' };
    expect(standardRoleMatrix).toEqual({
      communication: everyday,
      coordination: everyday,
      skills: everyday,
      knowledge: everyday,
      monitoring: { anonymous: 'none', authenticated: 'read', admin: 'admin' },
      evolution: { anonymous: 'none', authenticated: 'none', admin: 'admin' },
    });
  });

  it.each(cells)('gives $role $access on $category', ({ category, role, access }) => {
    for (const zone of ['local', 'trusted', 'external'] as const)
      for (const effect of effects) {
        const { effect: verdict, policies, reason } = engine.decide({ principal: callers[role], zone, trust: 90, question: question(category, effect) });
        const isOpen = includes[access].includes(effect) && (zone !== 'external' || effect === 'read');
        expect([zone, effect, verdict]).toEqual([zone, effect, isOpen ? 'allow' : 'deny']);
        if (!includes[access].includes(effect)) {
          expect(policies).toContainEqual(expect.stringMatching(new RegExp(`^matrix-${role}-`)));
          expect(reason).toContain(category);
        }
      }
  });

  it('leaves tools of other categories to the other policies', () => {
    const decide = (role: keyof typeof callers, effect: Effect) =>
      engine.decide({ principal: callers[role], zone: 'local', trust: 90, question: question('bench', effect) }).policies;
    expect(decide('authenticated', 'write')).toEqual(['known-callers-use-tools']);
    expect(decide('authenticated', 'admin')).toEqual(['default-deny']);
    expect(decide('admin', 'admin')).toEqual(['admins-administer']);
    expect(decide('anonymous', 'read')).toEqual(['default-deny']);
  });
});

describe('the policies of a matrix', () => {
  const access = fc.constantFrom<MatrixAccess>('none', 'read', 'write', 'admin');
  const anyMatrix: fc.Arbitrary<RoleMatrix> = fc.dictionary(
    fc.stringMatching(/^[a-z][a-z0-9_.-]{0,8}$/),
    fc.record({ anonymous: access, authenticated: access, admin: access }),
    { minKeys: 1, maxKeys: 6 },
  );

  it('say just what it says, alone and whatever else is permitted', () => {
    fc.assert(
      fc.property(anyMatrix, fc.boolean(), (matrix, withPermit) => {
        const engine = engineOf(rolePolicies(matrix) + (withPermit ? '@id("all") permit (principal, action == Meshwork::Action::"call", resource);' : ''));
        for (const [category, roles] of Object.entries(matrix))
          for (const role of ['anonymous', 'authenticated', 'admin'] as const)
            for (const effect of effects) {
              const { effect: verdict } = engine.decide({ principal: callers[role], zone: 'local', trust: 90, question: question(category, effect) });
              expect([category, role, effect, verdict]).toEqual([category, role, effect, includes[roles[role]].includes(effect) ? 'allow' : 'deny']);
            }
      }),
      { numRuns: 40 },
    );
  });

  it('cannot be broken out of by the name of a category', () => {
    const cells = { anonymous: 'none', authenticated: 'none', admin: 'none' } as const;
    for (const category of ['', 'a b', '"]', 'a"].contains(resource.category) || true || ["', '__proto__', 'é', 'a\n', 'x'.repeat(65)])
      expect(() => rolePolicies({ [category]: cells })).toThrow(TypeError);
    expect(() => rolePolicies({ skills: { ...cells, admin: 'everything' as never } })).toThrow('must be one of none, read, write, admin');
  });
});

describe('lists', () => {
  /** Policies over whatever a policy may look at: names, categories, effects, zones, ids, roles and URIs. */
  const condition = fc.oneof(
    fc.constantFrom('a', 'b', 'c').map((id) => `principal has id && principal.id == "${id}"`),
    fc.constant('principal in Meshwork::Role::"admin"'),
    fc.constant('principal is Meshwork::Anonymous'),
    fc.constantFrom('local', 'trusted', 'external').map((zone) => `context.zone == "${zone}"`),
    fc.constantFrom(50, 70, 90).map((trust) => `context.trust >= ${trust}`),
  );
  const about = {
    call: fc.oneof(
      fc.constantFrom(...effects).map((effect) => `resource.effect == "${effect}"`),
      fc.constantFrom('skills', 'evolution').map((category) => `resource.category == "${category}"`),
      fc.constantFrom('skills_read', 'evolution_admin').map((name) => `resource.name == "${name}"`),
    ),
    read: fc.constantFrom('notes://*', '*private', 'greeting').map((pattern) => `resource.uri like "${pattern}"`),
  };
  const policy = fc.constantFrom('call' as const, 'read' as const).chain((action) =>
    fc.record({
      action: fc.constant(action),
      verb: fc.constantFrom('permit', 'permit', 'forbid'),
      first: condition,
      second: about[action],
      joint: fc.constantFrom('&&', '||'),
    }),
  );
  const anyPolicies = fc
    .array(policy, { minLength: 1, maxLength: 6 })
    .map((all) =>
      all
        .map(
          ({ action, verb, first, second, joint }, at) =>
            `@id("p${at}") ${verb} (principal, action == Meshwork::Action::"${action}", resource) when { (${first}) ${joint} (${second}) };`,
        )
        .join('\n'),
    );
  const anyCaller: fc.Arbitrary<Principal> = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    kind: fc.constantFrom('agent', 'user', 'anonymous'),
    roles: fc.constantFrom([], ['admin']),
    zone: fc.constantFrom('local', 'trusted', 'external'),
    trust: fc.constantFrom(0.5, 0.7, 0.9),
    method: fc.constant('api-key'),
    actsFor: fc.constant([]),
  });
  const tools = ['skills', 'evolution', 'bench'].flatMap((category) =>
    effects.map((effect) =>
      defineTool({
        name: `${category}_${effect}`,
        description: 'A tool.',
        category,
        effect,
        input: z.object({}),
        run: () => toolAnswer([{ type: 'text', text: 'ok' }]),
      }),
    ),
  );
  const resources = ['notes://public', 'notes://private', 'board://public'].map((uri) => ({ uri, name: uri, read: () => ({ text: 'ok' }) }));
  const prompts = ['greeting', 'farewell'].map((name) => ({ name, render: () => ({ messages: [] }) }));

  it('show a caller exactly what the policies let it call', async () => {
    let [shown, hidden] = [0, 0];
    await fc.assert(
      fc.asyncProperty(anyPolicies, fc.array(anyCaller, { minLength: 1, maxLength: 4 }), async (policies, callers) => {
        const guard = guardian({ store: createMemoryStore(), engine: engineOf(policies) });
        const { visibility, stages } = guard;
        if (visibility === undefined || stages === undefined) throw new Error('a guardian decides and says what is visible');
        const hub = createHub({
          modules: [
            { name: 'guard', stages, visibility },
            { name: 'things', tools, resources, prompts },
          ],
        });
        for (const principal of callers) {
          const view = hub.visibleTo(principal);
          const listed = [...view.tools, ...view.prompts].map(({ name }) => name).concat(view.resources.map(({ uri }) => uri));
          const open: string[] = [];
          const isOpen = (kind: 'tool' | 'resource' | 'prompt', name: string) =>
            hub.call({ kind, name, principal, face: 'local' }).then(
              (answer) => !(answer.kind === 'tool' && answer.isError),
              () => false,
            );
          for (const { name } of hub.catalogue.tools) if (await isOpen('tool', name)) open.push(name);
          for (const { name } of hub.catalogue.prompts) if (await isOpen('prompt', name)) open.push(name);
          for (const { uri } of hub.catalogue.resources) if (await isOpen('resource', uri)) open.push(uri);
          expect(listed).toEqual(open);
          shown += open.length;
          hidden += tools.length + resources.length + prompts.length - open.length;
        }
      }),
      { numRuns: 60 },
    );
    expect(Math.min(shown, hidden)).toBeGreaterThan(100);
  });
});
