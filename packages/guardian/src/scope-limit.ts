import type { Effect, Principal, Target } from '@meshwork/core';

/** The effects a credential can be limited to. */
export const effects = ['read', 'write', 'admin'] as const satisfies readonly Effect[];

/** What a limited credential needs: the tool's effect, and `read` for resources and prompts. */
export function scopeOf(target: Target): Effect {
  return target.kind === 'tool' ? target.tool.effect : 'read';
}

/**
 * Pure: whether the caller's credential covers an effect. One without scopes has no limit beside the policies; one with an empty list covers
 * nothing. None implies another.
 */
export function coversEffect({ scopes }: Pick<Principal, 'scopes'>, effect: Effect): boolean {
  return scopes === undefined || scopes.includes(effect);
}

/** Pure: whether the caller's credential covers a call of the target. Whoever lists what may be called asks the same. */
export function isWithinScopes(principal: Pick<Principal, 'scopes'>, target: Target): boolean {
  return coversEffect(principal, scopeOf(target));
}
