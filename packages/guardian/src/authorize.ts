import { DeniedError, type Stage, type StageStep } from '@meshwork/core';
import { decideCall } from './decide-call.ts';
import type { PolicyEngine } from './policy-engine.ts';

/** The stage that asks the policies about every call. What they say is kept with the call; a refusal says what to do. */
export function createAuthorizeStage(engine: PolicyEngine): Stage {
  return async ({ call, target }: StageStep, next) => {
    if (target === undefined) throw new DeniedError('nothing to decide about');
    const { principal } = call;
    const { effect, policies, reason } = decideCall(engine, principal, target, call.name);
    call.decisions.push({ by: 'guardian', effect, policies, reason });
    if (effect === 'deny')
      throw new DeniedError(`${principal.id} may not ${target.kind === 'tool' ? 'use' : 'read'} ${call.name}: ${reason}; ask an admin of this hub`, {
        policies,
      });
    return next();
  };
}
