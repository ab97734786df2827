import type { Principal, Target, Visibility } from '@meshwork/core';
import type { Facts, PolicyDecision, PolicyEngine } from './policy-engine.ts';

/** What the policies say to a call. Lists ask the same, so that they show what may be called and nothing else. */
export function decideCall(engine: PolicyEngine, principal: Principal, target: Target, name: string): PolicyDecision {
  return engine.decide({
    principal: { kind: principal.kind, id: principal.id, roles: principal.roles, allowed: [] },
    zone: principal.zone,
    trust: Math.round(principal.trust * 100),
    question: questionOf(target, name),
  });
}

/** Shows a caller what the policies would let it call. */
export function createVisibility(engine: PolicyEngine): Visibility {
  return {
    keyOf: ({ kind, id, roles, zone, trust, scopes }) => JSON.stringify([kind, id, roles, zone, trust, scopes]),
    isVisible: (principal, target) => decideCall(engine, principal, target, nameOf(target)).effect === 'allow',
  };
}

function questionOf(target: Target, name: string): Facts['question'] {
  if (target.kind !== 'tool') return { action: 'read', uri: name };
  const { category, effect } = target.tool;
  return { action: 'call', tool: { name: target.tool.name, category, effect } };
}

function nameOf(target: Target): string {
  switch (target.kind) {
    case 'tool':
      return target.tool.name;
    case 'resource':
      return target.resource.uri;
    case 'prompt':
      return target.prompt.name;
  }
}
