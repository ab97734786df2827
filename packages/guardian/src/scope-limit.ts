import { type Call, DeniedError, type Effect, type Principal, type Target } from '@meshwork/core';

/** The effects a credential can be limited to. */
export const effects = ['read', 'write', 'admin'] as const satisfies readonly Effect[];

/**
 * Pure: whether the caller's credential covers an effect. One without scopes has no limit beside the policies; one with an empty list covers
 * nothing. None implies another.
 */
export function coversEffect({ scopes }: Pick<Principal, 'scopes'>, effect: Effect): boolean {
  return scopes === undefined || scopes.includes(effect);
}

/**
 * Refuses what the caller's credential does not cover: it needs the tool's effect, and `read` for resources and prompts.
 *
 * @throws {DeniedError} that names the scope, in `details.scope` too.
 */
export function refuseBeyondScopes(call: Pick<Call, 'principal' | 'name' | 'decisions'>, target: Target): void {
  const { principal, name, decisions } = call;
  const scope = target.kind === 'tool' ? target.tool.effect : 'read';
  if (coversEffect(principal, scope)) return;
  const reason = `the credential lacks the scope ${JSON.stringify(scope)}`;
  const policies = ['credential-scopes'];
  decisions.push({ by: 'guardian', effect: 'deny', policies, reason });
  throw new DeniedError(`${principal.id} may not ${target.kind === 'tool' ? 'use' : 'read'} ${name}: ${reason}; use a credential that has it`, {
    policies,
    details: { scope },
  });
}
