import { DeniedError, type Stage, type StageStep, type Target } from '@meshwork/core';
import type { Facts, PolicyEngine } from './policy-engine.ts';

/** The stage that asks the policies about every call. What they say is kept with the call; a refusal says what to do. */
export function createAuthorizeStage(engine: PolicyEngine): Stage {
  return async ({ call, target }: StageStep, next) => {
    if (target === undefined) throw new DeniedError('nothing to decide about');
    const { principal } = call;
    const { effect, policies, reason } = engine.decide({
      principal: { kind: principal.kind, id: principal.id, roles: principal.roles, allowed: [] },
      zone: principal.zone,
      trust: Math.round(principal.trust * 100),
      question: questionOf(target, call.name),
    });
    call.decisions.push({ by: 'guardian', effect, policies, reason });
    if (effect === 'deny')
      throw new DeniedError(`${principal.id} may not ${target.kind === 'tool' ? 'use' : 'read'} ${call.name}: ${reason}; ask an admin of this hub`, {
        policies,
      });
    return next();
  };
}

function questionOf(target: Target, name: string): Facts['question'] {
  if (target.kind !== 'tool') return { action: 'read', uri: name };
  const { category, effect } = target.tool;
  return { action: 'call', tool: { name: target.tool.name, category, effect } };
}
