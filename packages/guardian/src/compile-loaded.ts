import { compileEvaluator, type Evaluator } from './cedar/compile-evaluator.ts';
import type { PolicyJson } from './cedar/compile-policy.ts';
import { UnsupportedError } from './cedar/evaluation-error.ts';
import { keepIntegers } from './cedar/exact-integers.ts';
import type { SchemaJson } from './cedar/schema-json.ts';
import type { CedarWasm } from './cedar-wasm.ts';
import type { LoadedPolicies } from './load-policies.ts';

/**
 * Policies that Cedar has validated, as closures. Undefined when anything in them is not known to our evaluator: then cedar-wasm
 * decides about all of them, never about some.
 */
export function compileLoaded(cedar: CedarWasm, { staticPolicies }: LoadedPolicies, schema: string): Evaluator | undefined {
  try {
    const policies = Object.entries(staticPolicies).map(([id, text]) => [id, toJson(cedar, text)]);
    const resolved = cedar.schemaToJsonWithResolvedTypes(schema);
    if (resolved.type === 'failure') return undefined;
    return compileEvaluator(Object.fromEntries(policies), resolved.json as SchemaJson);
  } catch {
    // Not only UnsupportedError: whatever our compiler stumbles over, Cedar itself has accepted.
    return undefined;
  }
}

function toJson(cedar: CedarWasm, policy: string): PolicyJson {
  const { text, restore } = keepIntegers(policy);
  const answer = cedar.policyToJson(text);
  if (answer.type === 'failure') throw new UnsupportedError('a policy has no form in JSON');
  return restore(answer.json) as PolicyJson;
}
