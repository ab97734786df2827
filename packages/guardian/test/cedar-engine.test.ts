import { type Facts, PolicyError, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { describe, expect, it } from 'vitest';
import { engine } from './hub-with-guardian.ts';

const facts: Facts = {
  principal: { kind: 'agent', id: 'a', roles: [], allowed: [] },
  zone: 'local',
  trust: 90,
  question: { action: 'call', tool: { name: 't', category: 'test', effect: 'write' } },
};
const load = (policies: string) => createCedarEngine({ policies, schema: standardSchema });

describe('loading policies', () => {
  it.each([
    ['text that is no policy', 'permit everything;', /cannot be parsed/],
    ['a policy without an @id', 'permit (principal, action, resource);', /no @id/],
    ['two policies with one @id', '@id("a") permit (principal, action, resource); @id("a") forbid (principal, action, resource);', /two policies/],
    [
      'an attribute the schema does not have',
      '@id("a") permit (principal, action == Meshwork::Action::"call", resource) when { resource.colour == "red" };',
      /policy a/,
    ],
    ['a type mistake', '@id("a") permit (principal, action == Meshwork::Action::"call", resource) when { context.trust == "high" };', /policy a/],
    ['an action the schema does not have', '@id("a") permit (principal, action == Meshwork::Action::"fly", resource);', /policy a/],
    ['a policy nested too deeply', `@id("a") permit (principal, action, resource) when { ${'('.repeat(200)}true${')'.repeat(200)} };`, /nested/],
    [
      'deep nesting behind a comment full of closing brackets',
      `// ${')'.repeat(5_000)}\n@id("a") permit (principal, action, resource) when { ${'('.repeat(3_000)}true${')'.repeat(3_000)} };`,
      /nested/,
    ],
    ['deep nesting behind a string full of them', `@id("${')'.repeat(99)}") permit (principal, action, resource) when { ${'('.repeat(99)} };`, /nested/],
    ['more brackets closed than opened', `@id("a") ) permit (principal, action, resource);`, /not opened/],
    ['a string without an end', `@id("a) permit (principal, action, resource);`, /not closed/],
    ['a chain of thousands', `@id("a") permit (principal, action, resource) when { ${'true && '.repeat(5_000)}true };`, /operators/],
    ['thousands of conditions', `@id("a") permit (principal, action, resource) ${'unless{false}'.repeat(4_900)};`, /operators/],
    ['a template, which would never hold', '@id("t") forbid (principal == ?principal, action, resource);', /template/],
    ['a mistake in the third line', '@id("a") permit (principal, action, resource);\n// ä\n@id("b") permit (principal, action resource);', /line 3/],
    [
      'a wrong attribute in the fourth line',
      '@id("a") permit (principal, action, resource);\n\n@id("b") permit (principal, action == Meshwork::Action::"call", resource)\nwhen { resource.colour == "red" };',
      /policy b: line 4/,
    ],
    ['more text than anybody reads', `@id("a") permit (principal, action, resource); // ${'x'.repeat(70_000)}`, /larger/],
  ])('refuses %s and says which', (_what, text, message) => {
    expect(() => load(text)).toThrow(PolicyError);
    expect(() => load(text)).toThrow(message);
  });

  it('refuses a schema that is nested too deeply', () => {
    const schema = `namespace X { type A = ${'{a: '.repeat(3_000)}Long${'}'.repeat(3_000)}; }`;
    expect(() => createCedarEngine({ policies: '', schema })).toThrow(/schema is nested/);
  });

  it('leaves the engines that run as they were, whatever was refused', () => {
    const running = load(standardPolicies);
    for (const text of [
      `@id("a") permit (principal, action, resource) when { ${'1 + '.repeat(5_000)}1 > 0 };`,
      `// ${')'.repeat(9_000)}\n${'('.repeat(9_000)}`,
    ])
      expect(() => load(text)).toThrow(PolicyError);
    expect(running.decide(facts).effect).toBe('allow');
    expect(load('').decide(facts).effect).toBe('deny');
    expect(running.decide({ ...facts, zone: 'external' })).toMatchObject({ policies: ['external-read-only'] });
  });

  it('takes the longest chain and the deepest nesting it allows', () => {
    const longest = `@id("a") permit (principal, action, resource) when { ${'1 + '.repeat(199)}1 > 0 };`;
    const deepest = `@id("b") permit (principal, action, resource) when { ${'('.repeat(63)}true${')'.repeat(63)} };`;
    expect(load(longest + deepest).decide(facts)).toMatchObject({ effect: 'allow', policies: expect.arrayContaining(['a', 'b']) });
  });

  it('takes the standard ones', () => expect(() => load(standardPolicies)).not.toThrow());
});

describe('deciding', () => {
  it('denies when there is no policy at all', () => {
    expect(load('').decide(facts)).toMatchObject({ effect: 'deny', policies: ['default-deny'] });
  });

  it('lets a forbid beat every permit, and gives its reason', () => {
    const both = load('@id("yes") permit (principal, action, resource); @id("no") @reason("closed today") forbid (principal, action, resource);');
    expect(both.decide(facts)).toEqual({ effect: 'deny', policies: ['no'], reason: 'closed today' });
  });

  it('loses no policy, whatever its @id', () => {
    const odd = ['__proto__', 'constructor', '2', '1', 'a, b', 'ä "\\u{1F600}'];
    const forbids = odd.map((id) => `@id(${JSON.stringify(id).replaceAll('\\\\u', '\\u')}) forbid (principal, action, resource);`);
    const { effect, policies } = load(`@id("yes") permit (principal, action, resource); ${forbids.join('\n')}`).decide(facts);
    expect(effect).toBe('deny');
    expect(policies.toSorted()).toEqual(['__proto__', 'constructor', '2', '1', 'a, b', 'ä "😀'].toSorted());
  });

  it('names policies in the order of the text', () => {
    const ids = Array.from({ length: 30 }, (_, index) => `p${(index * 7) % 30}`);
    const text = ids.map((id) => `@id("${id}") permit (principal, action, resource);`).join('\n');
    expect(load(text).decide(facts).policies).toEqual(ids);
  });

  it('denies when a policy fails while it is evaluated', () => {
    const failing = load(
      '@id("yes") permit (principal, action, resource); @id("broken") forbid (principal, action == Meshwork::Action::"call", resource) when { context.trust + 9223372036854775807 > 0 };',
    );
    expect(failing.decide(facts)).toMatchObject({ effect: 'deny', policies: ['policy-error', 'broken'] });
  });

  it('decides about an address of any length', () => {
    const uri = `notes://${'x'.repeat(100_000)}`;
    for (const zone of ['local', 'external'] as const)
      expect(engine.decide({ ...facts, zone, question: { action: 'read', uri } })).toMatchObject({ effect: 'allow', policies: ['known-callers-read'] });
  });

  it('gives the same facts the same answer, and never mixes up two of them', () => {
    for (const effect of ['read', 'write', 'admin'] as const) {
      for (const zone of ['local', 'trusted', 'external'] as const) {
        for (const roles of [[], ['admin']]) {
          const these: Facts = {
            ...facts,
            zone,
            principal: { ...facts.principal, roles },
            question: { action: 'call', tool: { name: 't', category: 'test', effect } },
          };
          const allowed = effect === 'admin' ? roles.length > 0 && zone !== 'external' : zone !== 'external' || effect === 'read';
          expect(engine.decide(these).effect).toBe(allowed ? 'allow' : 'deny');
          expect(engine.decide(these)).toEqual(engine.decide(structuredClone(these)));
        }
      }
    }
  });
});
