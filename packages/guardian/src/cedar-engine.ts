import { preparsePolicySet, preparseSchema, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import { toCedarRequest } from './cedar-request.ts';
import { loadPolicies } from './load-policies.ts';
import type { Facts, PolicyDecision, PolicyEngine } from './policy-engine.ts';
import { PolicyError } from './policy-error.ts';

export interface CedarEngineOptions {
  /** Cedar policies, each with an `@id`. A `@reason` is shown to whoever it refuses. */
  readonly policies: string;
  /** The Cedar schema they are checked against. */
  readonly schema: string;
  /** Decisions remembered. Those on time or rate never are. Default 10,000. */
  readonly memoSize?: number;
}

const undecided: PolicyDecision = {
  effect: 'deny',
  policies: ['policy-error'],
  reason: 'the policies could not be evaluated; the hub refuses what it cannot decide',
};

/** Longer questions are decided anew each time: their length is up to the caller, and the memo must stay small. */
const LONGEST_KEY = 1_024;

/**
 * A policy engine on Cedar (https://www.cedarpolicy.com). Deny by default; a forbid beats every permit; a policy that fails while it is
 * evaluated denies.
 *
 * @throws {PolicyError} that names the policy and what is wrong with it.
 */
export function createCedarEngine({ policies, schema, memoSize = 10_000 }: CedarEngineOptions): PolicyEngine {
  const { staticPolicies, reasons } = loadPolicies(policies, schema);
  // Cedar keeps these names for the whole process, also for another copy of this package.
  const name = `meshwork-${crypto.randomUUID()}`;
  for (const answer of [preparseSchema(name, schema), preparsePolicySet(name, { staticPolicies })]) {
    if (answer.type === 'failure') throw new PolicyError(answer.errors.map(({ message }) => message).join('; '));
  }
  const memo = new Map<string, PolicyDecision>();

  const evaluate = (facts: Facts): PolicyDecision => {
    const answer = statefulIsAuthorized({ ...toCedarRequest(facts), preparsedPolicySetId: name, preparsedSchemaName: name, validateRequest: true });
    if (answer.type === 'failure') return undecided;
    const { decision, diagnostics } = answer.response;
    const failed = diagnostics.errors.map(({ policyId }) => policyId);
    if (failed.length > 0)
      return { effect: 'deny', policies: ['policy-error', ...failed], reason: `a policy failed (${failed.join(', ')}); the hub refuses what it cannot decide` };
    if (decision === 'allow') return { effect: 'allow', policies: diagnostics.reason, reason: `allowed by ${diagnostics.reason.join(', ')}` };
    if (diagnostics.reason.length === 0) return { effect: 'deny', policies: ['default-deny'], reason: 'no policy allows this' };
    return { effect: 'deny', policies: diagnostics.reason, reason: diagnostics.reason.map((id) => reasons.get(id) ?? `forbidden by ${id}`).join('; ') };
  };

  const decide = (facts: Facts): PolicyDecision => {
    try {
      return evaluate(facts);
    } catch {
      return undecided;
    }
  };

  return {
    decide(facts) {
      if (facts.question.action === 'request') return decide(facts);
      const key = JSON.stringify(facts);
      if (key.length > LONGEST_KEY) return decide(facts);
      const known = memo.get(key);
      if (known !== undefined) return known;
      const decision = decide(facts);
      if (memo.size >= memoSize) memo.clear();
      memo.set(key, decision);
      return decision;
    },
  };
}
