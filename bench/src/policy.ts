import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { type Facts, standardPolicies, standardSchema } from '@meshwork/guardian';
import { toCedarRequest } from '../../packages/guardian/src/cedar-request.ts';
import { compileLoaded } from '../../packages/guardian/src/compile-loaded.ts';
import { loadPolicies } from '../../packages/guardian/src/load-policies.ts';
import { createWasmEvaluator } from '../../packages/guardian/src/wasm-evaluator.ts';
import { median } from './median.ts';

interface PolicyRates {
  /** Decisions per second by our evaluator, from facts, nothing remembered. */
  readonly compiledPerSecond: number;
  /** The same by cedar-wasm with policies and schema parsed beforehand. */
  readonly wasmPerSecond: number;
  /** The median of the rounds' ratios. */
  readonly ratio: number;
}

/** How many decisions by the standard policies our evaluator and cedar-wasm make, of the same facts, in turns. */
export function measurePolicy({ rounds = 5, durationMs = 500 } = {}): PolicyRates {
  const loaded = loadPolicies(cedar, standardPolicies, standardSchema);
  const wasm = createWasmEvaluator(cedar, loaded, standardSchema);
  const compiled = compileLoaded(cedar, loaded, standardSchema);
  if (compiled === undefined) throw new Error('the standard policies are not compiled');
  const facts = allFacts();
  for (const each of facts) {
    const [ours, theirs] = [compiled, wasm].map((evaluate) => JSON.stringify(evaluate(toCedarRequest(each))));
    if (ours !== theirs) throw new Error(`the evaluators disagree: ${ours} and ${theirs}`);
  }
  const contenders = [compiled, wasm].map((evaluate) => () => facts.forEach((each) => void evaluate(toCedarRequest(each))));
  for (const decideAll of contenders) rate(decideAll, facts.length, durationMs / 2);
  const measured = Array.from({ length: rounds }, () => contenders.map((decideAll) => rate(decideAll, facts.length, durationMs)));
  return {
    compiledPerSecond: Math.round(median(measured.map(([ours = 0]) => ours))),
    wasmPerSecond: Math.round(median(measured.map(([, theirs = 0]) => theirs))),
    ratio: Math.round(median(measured.map(([ours = 0, theirs = 0]) => ours / theirs)) * 10) / 10,
  };
}

/** Every kind of question, caller and place: what a hub asks. */
function allFacts(): Facts[] {
  const places = [
    { zone: 'local', trust: 90 },
    { zone: 'trusted', trust: 70 },
    { zone: 'external', trust: 50 },
  ] as const;
  const callers: readonly Facts['principal'][] = [
    { kind: 'agent', id: 'data_analyst', roles: [], allowed: ['DATA_EXPORT', 'SAP_API'] },
    { kind: 'user', id: 'admin', roles: ['admin'], allowed: [] },
  ];
  const questions: readonly Facts['question'][] = [
    { action: 'call', tool: { name: 'request_permission', category: 'permission', effect: 'write' } },
    { action: 'call', tool: { name: 'message_send', category: 'communication', effect: 'write' } },
    { action: 'call', tool: { name: 'grant_list', category: 'administration', effect: 'admin' } },
    { action: 'read', uri: 'grants://active' },
    { action: 'request', resource: { name: 'SAP_API', everyday: true, remote: false }, scope: 'invoices', time: 1_767_225_600_000, requestsLastMinute: 3 },
  ];
  const all = places.flatMap((place) => callers.flatMap((principal) => questions.map((question) => ({ principal, ...place, question }))));
  // Only agents ask for permissions; the schema refuses others.
  return all.filter(({ principal, question }) => question.action !== 'request' || principal.kind === 'agent');
}

function rate(decideAll: () => void, decisions: number, durationMs: number): number {
  const started = performance.now();
  let made = 0;
  let passedMs = 0;
  while (passedMs < durationMs) {
    decideAll();
    made += decisions;
    passedMs = performance.now() - started;
  }
  return (made * 1_000) / passedMs;
}
