import { standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
const n = Number(process.argv[3]);
const w = (c: string) => `@id("a") permit (principal, action == Meshwork::Action::"call", resource) when { ${c} };`;
const cases: Record<string, () => string> = {
  not: () => w('!'.repeat(n) + 'true'), and: () => w('true && '.repeat(n) + 'true'), or: () => w('false || '.repeat(n) + 'true'),
  minus: () => w('-'.repeat(n) + '1 > 0'), plus: () => w('1 + '.repeat(n) + '1 > 0'), ifs: () => w('if true then true else '.repeat(n) + 'true'),
  dots: () => w('resource' + '.name'.repeat(n) + ' == ""'), whens: () => `@id("a") permit (principal, action, resource) ${'when { true } '.repeat(n)};`, set: () => w('[' + '1,'.repeat(n) + '1].contains(1)'),
  methods: () => w('[1]' + '.contains(1)'.repeat(n)), ids: () => Array.from({length: n}, (_, i) => `@id("${i}") permit (principal, action, resource);`).join(''),
  parens: () => w(`${'('.repeat(n)}true${')'.repeat(n)}`),
};
try { const e = createCedarEngine({ policies: cases[process.argv[2]!]!(), schema: standardSchema }); 
const d = e.decide({ principal: { kind: 'agent', id: 'a', roles: [], allowed: [] }, zone: 'local', trust: 90, question: { action: 'call', tool: { name: 't', category: 'c', effect: 'read' } } });
console.log(process.argv[2], n, 'loaded', d.effect, d.policies.length); } catch (e: any) { console.log(process.argv[2], n, e.code, e.message.slice(0, 90)); }
try { createCedarEngine({ policies: standardPolicies, schema: standardSchema }); } catch (e: any) { console.log('   POISONED', e.message.slice(0, 80)); }
