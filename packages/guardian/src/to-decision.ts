import type { Verdict } from './cedar/decide.ts';
import type { PolicyDecision } from './policy-engine.ts';

const undecided: PolicyDecision = {
  effect: 'deny',
  policies: ['policy-error'],
  reason: 'the policies could not be evaluated; the hub refuses what it cannot decide',
};

/**
 * What the hub makes of Cedar's answer. Stricter than Cedar, which skips a policy that fails: a forbid that fails would forbid nothing,
 * so here any failure denies. `reasons` are the words for whoever a policy refuses.
 */
export function toDecision(ask: () => Verdict | undefined, reasons: ReadonlyMap<string, string>): PolicyDecision {
  let verdict: Verdict | undefined;
  try {
    verdict = ask();
  } catch {
    return undecided;
  }
  if (verdict === undefined) return undecided;
  const { decision, reasons: policies, errors } = verdict;
  if (errors.length > 0)
    return { effect: 'deny', policies: ['policy-error', ...errors], reason: `a policy failed (${errors.join(', ')}); the hub refuses what it cannot decide` };
  if (decision === 'allow') return { effect: 'allow', policies, reason: `allowed by ${policies.join(', ')}` };
  if (policies.length === 0) return { effect: 'deny', policies: ['default-deny'], reason: 'no policy allows this' };
  return { effect: 'deny', policies, reason: policies.map((id) => reasons.get(id) ?? `forbidden by ${id}`).join('; ') };
}
