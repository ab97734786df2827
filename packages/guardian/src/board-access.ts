import type { Principal } from '@meshwork/core';
import type { PolicyDecision, PolicyEngine } from './policy-engine.ts';

/** What the policies say about keys of shared boards. */
export interface BoardPolicies {
  /** Decides at once. The empty key is the board as a whole. */
  check(question: { readonly principal: Principal; readonly board: string; readonly key: string; readonly action: 'read' | 'write' }): PolicyDecision;
}

export function createBoardAccess(engine: PolicyEngine): BoardPolicies {
  return {
    check: ({ principal: { kind, id, roles, zone, trust }, board, key, action }) =>
      engine.decide({
        principal: { kind, id, roles, allowed: [] },
        zone,
        trust: Math.round(trust * 100),
        question: { action: action === 'read' ? 'readBoard' : 'writeBoard', board, key },
      }),
  };
}
