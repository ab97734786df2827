import { type Effect, lackingScopes, type Principal } from '@meshwork/core';

/** The effects a key can be limited to. */
export const effects = ['read', 'write', 'admin'] as const satisfies readonly Effect[];

/** Pure: whether the caller's credential covers an effect. One without scopes has no limit beside the policies; none implies another. */
export function coversEffect(principal: Pick<Principal, 'scopes'>, effect: Effect): boolean {
  return lackingScopes(principal, [effect]).length === 0;
}
