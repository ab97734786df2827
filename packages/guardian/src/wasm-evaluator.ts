import type { Evaluator } from './cedar/compile-evaluator.ts';
import type { CedarRequest } from './cedar-request.ts';
import type { CedarWasm } from './cedar-wasm.ts';
import type { LoadedPolicies } from './load-policies.ts';
import { PolicyError } from './policy-error.ts';
import { digestOf } from './secret.ts';

/** The evaluator that Cedar's makers publish: some hundred microseconds a decision, and the measure of ours. @throws {PolicyError} */
export function createWasmEvaluator(cedar: CedarWasm, { staticPolicies }: LoadedPolicies, schema: string): (request: CedarRequest) => ReturnType<Evaluator> {
  // Cedar keeps these names for the whole process, also for another copy of this package: what has one name has one content.
  const name = `meshwork-${digestOf(JSON.stringify([Object.entries(staticPolicies), schema]))}`;
  for (const answer of [cedar.preparseSchema(name, schema), cedar.preparsePolicySet(name, { staticPolicies })]) {
    if (answer.type === 'failure') throw new PolicyError(answer.errors.map(({ message }) => message).join('; '));
  }
  const places = new Map(Object.keys(staticPolicies).map((id, place) => [id, place]));
  const inOrder = (ids: readonly string[]) => ids.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
  return (request) => {
    const answer = cedar.statefulIsAuthorized({ ...request, preparsedPolicySetId: name, preparsedSchemaName: name, validateRequest: true });
    if (answer.type === 'failure') return undefined;
    const { decision, diagnostics } = answer.response;
    return { decision, reasons: inOrder(diagnostics.reason), errors: inOrder(diagnostics.errors.map(({ policyId }) => policyId)) };
  };
}
