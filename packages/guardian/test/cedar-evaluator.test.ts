import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { type Facts, standardPolicies, standardSchema } from '@meshwork/guardian';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob, type PatternPart } from '../src/cedar/glob.ts';
import { toCedarRequest } from '../src/cedar-request.ts';
import { compileLoaded } from '../src/compile-loaded.ts';
import { loadPolicies } from '../src/load-policies.ts';
import { createWasmEvaluator } from '../src/wasm-evaluator.ts';
import { allExtensionPairs, anyCondition, worldRequest, worldSchema } from './any-policy.ts';

const agentCalls: Facts = {
  principal: { kind: 'agent', id: 'a', roles: [], allowed: [] },
  zone: 'local',
  trust: 90,
  question: { action: 'call', tool: { name: 't', category: 'test', effect: 'write' } },
};

const request = {
  action: 'request',
  resource: { name: 'SAP_API', everyday: true, remote: false },
  scope: 's',
  time: 1_767_225_600_000,
  requestsLastMinute: 3,
} as const;

/** Policies for the standard schema with everything its types allow, also integers that overflow. */
const richPolicies = `
@id("arithmetic") forbid (principal, action, resource) when { context.trust * 92233720368547758 + 7 > 9223372036854775000 - context.trust };
@id("overflow") permit (principal, action, resource) when { context.trust + 9223372036854775800 > 0 };
@id("least") permit (principal, action, resource) when { -9223372036854775808 - context.trust < 0 };
@id("glob") permit (principal is Meshwork::Agent, action, resource) when { principal.id like "*a*b*" || principal.id like "a\\*" };
@id("roles") permit (principal in Meshwork::Role::"admin", action in [Meshwork::Action::"call", Meshwork::Action::"read"], resource);
@id("sets") forbid (principal is Meshwork::Agent, action == Meshwork::Action::"request", resource)
when { principal.allowed.containsAll(["SAP_API", context.scope]) && !principal.allowed.isEmpty() } unless { principal.allowed.containsAny(["b"]) };
@id("same") permit (principal is Meshwork::Agent, action, resource) when { principal.allowed == ["a", "b"] || [[principal.id]] == [["a", "a"]] };
@id("choice") permit (principal, action == Meshwork::Action::"request", resource)
when { if context.time > 9007199254740993 then resource.remote else context.requestsLastMinute < 5 };
@id("extensions") permit (principal, action == Meshwork::Action::"request", resource)
when { datetime("1970-01-01").offset(duration("1d")) < datetime("1970-01-01T00:00:00.001Z") || ip("10.0.0.1").isInRange(ip("10.0.0.0/8")) && decimal("0.5").lessThan(decimal("0.51")) };
@id("records") permit (principal, action, resource) when { {zone: context.zone, trust: 1} == {trust: context.trust, zone: "local"} };
@id("tags") permit (principal, action, resource) when { principal has id && principal has allowed && resource has name };
`;

describe('the compiled evaluator and cedar-wasm', () => {
  it.each([
    ['the standard policies', standardPolicies],
    ['a rich set', richPolicies],
  ])('say the same of any facts by %s', (_what, text) => {
    const { compiled, wasm } = load(text);
    fc.assert(
      fc.property(anyFacts(), (facts) => {
        expect(compiled(toCedarRequest(facts))).toEqual(wasm(toCedarRequest(facts)));
      }),
      { numRuns: 1_500 },
    );
  });

  it.each<[string, object]>([
    ['an integer that is none', { trust: 0.5 }],
    ['an integer that is no number', { trust: Number.NaN }],
    ['an integer over 2^53', { trust: 2 ** 60 }],
    ['an integer over 2^63', { trust: 2 ** 63 }],
    ['a fact of another type', { trust: '90' }],
    ['a fact that is missing', { trust: undefined }],
    ['half a character', { zone: '\ud800' }],
    ['a caller with half a character', { principal: { kind: 'agent', id: '\udc00', roles: [], allowed: [] } }],
    ['a caller the action is not for', { principal: { kind: 'user', id: 'u', roles: [], allowed: [] }, question: request }],
    ['a tool with more than the schema has', { question: { action: 'call', tool: { name: 't', category: 'c', effect: 'read', extra: 1 } } }],
    ['an action the schema does not have', { question: { ...request, action: 'fly' } }],
    ['a tool named __proto__', { question: { action: 'call', tool: { name: '__proto__', category: 'constructor', effect: 'read' } } }],
  ])('agree on %s', (_what, odd) => {
    const { compiled, wasm } = load(standardPolicies);
    const facts = { ...agentCalls, ...odd } as Facts;
    const ask = (evaluate: typeof wasm) => {
      try {
        return evaluate(toCedarRequest(facts));
      } catch {
        return undefined;
      }
    };
    expect(ask(compiled)).toEqual(ask(wasm));
  });

  it('say the same of generated policies, in decision and errors', () => {
    fc.assert(fc.property(fc.array(anyCondition, { minLength: 50, maxLength: 50 }), compare), { numRuns: 60 });
  });

  it('say the same of what is skipped and what is checked all the same', () => {
    compare(['(false || 1) == 1', '(true && 1) == 1', 'true || 1', 'false && 1', '1 || true', '1 && false', 'true || ip()', '(if 1 then true else true)']);
    compare(['(if true then 1 else ip()) == 1', '{a: 1 + "a"} has b', '[principal, 1] == []', 'principal in [principal, 1]', 'ip("::1", 1) == 1 || true']);
    compare(['principal.boss in []', '1 in []', 'principal has boss.name.x', '"x" has x', 'resource.boss.name == ""', 'User::"no" has x', 'User::"no".x == 1']);
    compare([
      'User::"no".hasTag("x")',
      'User::"no".hasTag(1)',
      'principal.getTag("x") == 1',
      '1 is User',
      'User::"no" is User',
      '1 is User in 1',
      'action is User in 1',
    ]);
    compare([
      '"".isEmpty()',
      '[].isEmpty()',
      '[1] == [1, 1]',
      '[[1], [2]] == [[2, 2], [1]]',
      '1 == "1"',
      '[1].contains("1")',
      '1 < "1"',
      'ip("::1") < ip("::1")',
    ]);
  });

  it('say the same of integers beyond 2^53, wherever they stand', () => {
    const max = '9223372036854775807';
    compare([`${max} - 1 == 9223372036854775806`, `${max} + 1 > 0`, `-${max} - 1 == -9223372036854775808`, '- -9223372036854775808 == 1', `-${max} - 2 < 0`]);
    compare([
      `9007199254740993 * 1024 == ${max}`,
      '3037000500 * 3037000500 > 0',
      '3037000499 * 3037000499 == 9223372030926249001',
      `context.big + 2 == 9007199254740993`,
    ]);
    compare([
      `"${max}" == "${max}" && [${max}] == [${max} - 0] // ${max}\n`,
      `{long: ${max}}.long == ${max}`,
      `{"a": ${max}} has long`,
      `[${max}].contains(9223372036854775806)`,
    ]);
    compare([`00${max} == ${max}`, '0009007199254740993 == 9007199254740993', '-9007199254740993 < -9007199254740992', '9007199254740992 == context.big + 1']);
    const forged = `permit (principal, action, resource) when { ${max} > 1 && {"\\u{6c}ong": "5"}["\\u{6c}ong"] == "5" };`;
    expect(compileLoaded(cedar, { staticPolicies: { forged }, reasons: new Map() }, worldSchema)).toBeUndefined();
  });

  it.each<[string, (request: typeof worldRequest) => object]>([
    ['an unchanged request', () => ({})],
    ['a caller of a type the action is not for', () => ({ principal: { type: 'Group', id: 'g' } })],
    ['an unknown type', () => ({ resource: { type: 'Nothing', id: 'g' } })],
    ['an unknown action', () => ({ action: { type: 'Action', id: 'fly' } })],
    ['an action that is a group', () => ({ action: { type: 'Action', id: 'all' } })],
    ['a fact too many', ({ context }) => ({ context: { ...context, more: 1 } })],
    ['a fact that may be missing', ({ context }) => ({ context: { ...context, opt: true } })],
    ['a fact that is missing', () => ({ context: {} })],
    ['an extension of another kind', ({ context }) => ({ context: { ...context, price: { __extn: { fn: 'ip', arg: '::1' } } } })],
    ['an extension that is none', ({ context }) => ({ context: { ...context, took: '1 day' } })],
    [
      'an extension made by a method',
      ({ context }) => ({
        context: {
          ...context,
          now: {
            fn: 'offset',
            args: [
              { fn: 'datetime', arg: '1970-01-01' },
              { fn: 'duration', arg: '1d' },
            ],
          },
        },
      }),
    ],
    ['a parent of a type it cannot be in', () => ({ entities: [entity('u', { parents: [{ type: 'User', id: 'v' }] })] })],
    ['a parent nobody knows', () => ({ entities: [entity('u', { parents: [{ type: 'Group', id: 'nobody' }] })] })],
    [
      'a member its type does not list',
      () => ({ entities: [entity('u', { attrs: { ...worldRequest.entities[1]!.attrs, kinds: [{ type: 'Kind', id: 'three' }] } })] }),
    ],
    ['an entity its type does not list', () => ({ entities: [{ uid: { type: 'Kind', id: 'three' }, attrs: {}, parents: [] }] })],
    ['an entity its type lists', () => ({ entities: [{ uid: { type: 'Kind', id: 'two' }, attrs: {}, parents: [] }] })],
    ['an attribute of another type', () => ({ entities: [entity('u', { attrs: { ...worldRequest.entities[1]!.attrs, age: '3' } })] })],
    ['an attribute too few', () => ({ entities: [entity('u', { attrs: { name: 'u' } })] })],
    ['tags of another type', () => ({ entities: [entity('u', { tags: { t: ['x'] } })] })],
    ['tags where there are none', () => ({ entities: [{ uid: { type: 'Group', id: 'g' }, attrs: {}, parents: [], tags: { t: [1] } }] })],
    ['an entity of an unknown type', () => ({ entities: [{ uid: { type: 'Nothing', id: 'g' }, attrs: {}, parents: [] }] })],
    ['an action as the schema has it', () => ({ entities: [{ uid: worldRequest.action, attrs: {}, parents: [{ type: 'Action', id: 'all' }] }] })],
    ['an action in another group', () => ({ entities: [{ uid: worldRequest.action, attrs: {}, parents: [] }] })],
  ])('take or refuse the same requests: %s', (_what, change) => {
    const request = { ...worldRequest, ...change(worldRequest) };
    const staticPolicies = { p: 'permit (principal, action in Action::"all", resource);' };
    const answer = cedar.isAuthorized({ ...request, policies: { staticPolicies }, schema: worldSchema, validateRequest: true });
    const verdict = compileLoaded(cedar, { staticPolicies, reasons: new Map() }, worldSchema)?.(request);
    expect(verdict?.decision).toBe(answer.type === 'failure' ? undefined : answer.response.decision);
  });

  it('say the same of every extension, also where its text is none', () => {
    compare(allExtensionPairs());
  });
});

function entity(id: string, fields: object) {
  return { ...worldRequest.entities[1]!, uid: { type: 'User', id }, ...fields };
}

/** Each condition as a policy of its own, in the world of `any-policy.ts`. */
function compare(conditions: readonly string[]): void {
  const staticPolicies = Object.fromEntries(conditions.map((body, index) => [`${index}: ${body}`, `permit (principal, action, resource) when { ${body} };`]));
  const answer = cedar.isAuthorized({ ...worldRequest, policies: { staticPolicies }, schema: worldSchema, validateRequest: true });
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message);
  const verdict = compileLoaded(cedar, { staticPolicies, reasons: new Map() }, worldSchema)?.(worldRequest);
  const { reason, errors } = answer.response.diagnostics;
  expect(verdict?.reasons.toSorted()).toEqual(reason.toSorted());
  expect(verdict?.errors.toSorted()).toEqual(errors.map(({ policyId }) => policyId).toSorted());
}

describe('what the evaluator does not know', () => {
  it('is found when policies are compiled, and leaves all of them to cedar-wasm', () => {
    const known = 'permit (principal, action, resource);';
    const unknown = 'permit (principal, action, resource) when { unknown("x") };';
    expect(compileLoaded(cedar, { staticPolicies: { known }, reasons: new Map() }, standardSchema)).toBeDefined();
    expect(compileLoaded(cedar, { staticPolicies: { known, unknown }, reasons: new Map() }, standardSchema)).toBeUndefined();
  });
});

describe('hostile input', () => {
  it('matches a pattern of many wildcards in time that grows with the text', () => {
    const bomb = compileGlob([...Array.from({ length: 2_000 }, (): PatternPart[] => ['Wildcard', { Literal: 'a' }]).flat(), 'Wildcard', { Literal: 'b' }]);
    const periodic = compileGlob(['Wildcard', { Literal: `${'a'.repeat(10_000)}b` }, 'Wildcard']);
    const text = 'a'.repeat(1_000_000);
    expect(took(() => expect([bomb(text), periodic(text)]).toEqual([false, false]))).toBeLessThan(5_000);
  });

  it('matches as Cedar means it', () => {
    const parts = fc.array(
      fc.oneof(
        fc.constant<PatternPart>('Wildcard'),
        fc.constantFrom('a', 'b', 'ab').map((Literal) => ({ Literal })),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(parts, fc.stringMatching(/^[ab]{0,12}$/), (pattern, text) => {
        const expected = new RegExp(`^${pattern.map((part) => (part === 'Wildcard' ? '.*' : part.Literal)).join('')}$`);
        expect(compileGlob(pattern)(text)).toBe(expected.test(text));
      }),
    );
  });

  it('takes long numbers, deep nesting and large sets in its stride', () => {
    const digits = '0'.repeat(20_000);
    const items = Array.from({ length: 3_000 }, (_, index) => `[${index}]`).join();
    const chosen = (inner: string) => `(if principal is Meshwork::Agent in Meshwork::Role::"r" then principal else ${inner})`;
    const nested = Array.from({ length: 25 }).reduce<string>(chosen, 'principal');
    const texts = [
      `@id("a") permit (principal, action, resource) when { decimal("${digits}1.5") == decimal("1.5") && duration("${digits}1d") == duration("24h") };`,
      `@id("b") permit (principal, action, resource) when { [${items}].containsAll([${items}]) };`,
      `@id("c") permit (principal, action, resource) when { ${nested} is Meshwork::Agent };`,
      `@id("d") permit (principal, action, resource) when { ${'!'.repeat(4)}${'('.repeat(50)}[[[[[[1]]]]]] == [[[[[[1, 1]]]]]]${')'.repeat(50)} };`,
    ];
    for (const text of texts) {
      const { compiled, wasm } = load(text);
      const expected = wasm(toCedarRequest(agentCalls));
      expect(took(() => expect(compiled(toCedarRequest(agentCalls))).toEqual(expected))).toBeLessThan(2_000);
    }
  });
});

function load(text: string) {
  const loaded = loadPolicies(cedar, text, standardSchema);
  const compiled = compileLoaded(cedar, loaded, standardSchema);
  if (compiled === undefined) throw new Error('these policies are not compiled');
  return { compiled, wasm: createWasmEvaluator(cedar, loaded, standardSchema) };
}

function took(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

function anyFacts(): fc.Arbitrary<Facts> {
  const word = fc.oneof(
    fc.constantFrom('a', 'b', 'ab', 'a*', 'xaxbx', 'SAP_API', 'admin', '__proto__', ''),
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
  );
  const long = fc.oneof(fc.integer({ min: 0, max: 1_001 }), fc.maxSafeInteger());
  return fc.record({
    principal: fc.record({ kind: fc.constantFrom('agent', 'user', 'anonymous'), id: word, roles: fc.array(word), allowed: fc.array(word) }),
    zone: fc.constantFrom('local', 'trusted', 'external'),
    trust: long,
    question: fc.oneof(
      fc.record({
        action: fc.constant('call' as const),
        tool: fc.record({ name: word, category: fc.constantFrom('permission', 'replication', 'test'), effect: fc.constantFrom('read', 'write', 'admin') }),
      }),
      fc.record({ action: fc.constant('read' as const), uri: word }),
      fc.record({ action: fc.constantFrom('readBoard', 'writeBoard'), board: word, key: word }),
      fc.record({
        action: fc.constant('request' as const),
        resource: fc.record({ name: word, everyday: fc.boolean(), remote: fc.boolean() }),
        scope: word,
        time: long,
        requestsLastMinute: long,
      }),
    ),
  });
}
