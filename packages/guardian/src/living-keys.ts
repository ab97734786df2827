import { type CallResult, DeniedError, type Stage } from '@meshwork/core';
import type { KeyCheck } from './key-check.ts';

/**
 * Refuses calls whose key has died since their connection was opened: one that stays open shows its key only once. Callers that came otherwise than
 * with a key of this hub pass.
 */
export function withLivingKeys({ isLive }: Pick<KeyCheck, 'isLive'>, inner: Stage): Stage {
  return (step, next) => {
    const { method, credentialId } = step.call.principal;
    if (method !== 'api-key' || credentialId === undefined) return inner(step, next);
    const decide = (live: boolean): Promise<CallResult> => {
      if (live) return inner(step, next);
      const reason = 'the key this connection was opened with has been revoked or has expired';
      const policies = ['living-keys'];
      step.call.decisions.push({ by: 'guardian', effect: 'deny', policies, reason });
      throw new DeniedError(`${reason}; connect again with another`, { policies });
    };
    const live = isLive(credentialId);
    return live instanceof Promise ? live.then(decide) : decide(live);
  };
}
