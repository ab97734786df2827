import type { CompiledPolicy } from './compile-policy.ts';
import { EvaluationError } from './evaluation-error.ts';
import type { Request } from './request.ts';

/** What Cedar answers. Policies are named in the order in which they were given. */
export interface Verdict {
  readonly decision: 'allow' | 'deny';
  /** The policies that made the decision: the forbids that hold, else the permits that hold. */
  readonly reasons: readonly string[];
  /** The policies that could not be evaluated; they count neither way. */
  readonly errors: readonly string[];
}

/** Cedar's rule: a forbid that holds beats every permit, and without a permit that holds the answer is no. Pure. */
export function decide(policies: readonly CompiledPolicy[], request: Request): Verdict {
  const permits: string[] = [];
  const forbids: string[] = [];
  const errors: string[] = [];
  for (const policy of policies) {
    try {
      if (policy.holds(request)) (policy.effect === 'permit' ? permits : forbids).push(policy.id);
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      errors.push(policy.id);
    }
  }
  if (forbids.length > 0) return { decision: 'deny', reasons: forbids, errors };
  return { decision: permits.length > 0 ? 'allow' : 'deny', reasons: permits, errors };
}
