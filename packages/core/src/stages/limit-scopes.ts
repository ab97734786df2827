import { DeniedError } from '../errors.ts';
import { lackingScopes, plainScope, type ScopesFor } from '../scopes.ts';
import type { Stage } from '../stage.ts';

/**
 * Refuses what the caller's credential does not cover, whatever the policies would say: the first thing in the slot `authorize`. The
 * refusal is a `DeniedError` with the missing scopes in `details.scope`, parted by spaces.
 */
export function limitScopes(scopesFor: ScopesFor): Stage {
  return ({ call, target }, next) => {
    const { principal, name } = call;
    if (principal.scopes === undefined || target === undefined) return next();
    const lacking = lackingScopes(principal, scopesFor(target));
    if (lacking.length === 0) return next();
    const scope = lacking.map(plainScope).join(' ');
    const policies = ['credential-scopes'];
    const reason = `the credential lacks the scope ${JSON.stringify(scope)}`;
    call.decisions.push({ by: 'hub', effect: 'deny', policies, reason });
    throw new DeniedError(`${principal.id} may not ${target.kind === 'tool' ? 'use' : 'read'} ${name}: ${reason}; use a credential that has it`, {
      policies,
      details: { scope },
    });
  };
}
