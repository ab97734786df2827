import { type Call, DeniedError, type Stage } from '@meshwork/core';
import type { KeyCheck } from './key-check.ts';
import { isWithinScopes, scopeOf } from './scope-limit.ts';

/**
 * Holds calls to the limits of the credential they come with, before any policy is asked: its scopes and, for a key of this hub, its life. A connection
 * that stays open shows its key only once; the key may have died since.
 */
export function withCredentialLimits({ isLive }: Pick<KeyCheck, 'isLive'>, inner: Stage): Stage {
  return (step, next) => {
    const { call, target } = step;
    const { id, method, credentialId } = call.principal;
    if (target !== undefined && !isWithinScopes(call.principal, target)) {
      const scope = scopeOf(target);
      const reason = `the credential lacks the scope ${JSON.stringify(scope)}`;
      const message = `${id} may not ${target.kind === 'tool' ? 'use' : 'read'} ${call.name}: ${reason}; use a credential that has it`;
      throw refusal(call, { policy: 'credential-scopes', reason, message, details: { scope } });
    }
    if (method !== 'api-key' || credentialId === undefined) return inner(step, next);
    const goOn = (live: boolean) => {
      if (live) return inner(step, next);
      const reason = 'the key this connection was opened with has been revoked or has expired';
      throw refusal(call, { policy: 'living-keys', reason, message: `${reason}; connect again with another` });
    };
    const live = isLive(credentialId);
    return live instanceof Promise ? live.then(goOn) : goOn(live);
  };
}

interface Refusal {
  readonly policy: string;
  readonly reason: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

function refusal(call: Call, { policy, reason, message, details = {} }: Refusal): DeniedError {
  call.decisions.push({ by: 'guardian', effect: 'deny', policies: [policy], reason });
  return new DeniedError(message, { policies: [policy], details });
}
