import { DeniedError, type Principal, type Stage } from '@meshwork/core';
import type { KeyCheck } from './key-check.ts';

/** Before any policy is asked: a connection that stays open shows its key only once, and the key may have died since. */
export function withLivingKeys({ isLive }: Pick<KeyCheck, 'isLive'>, inner: Stage): Stage {
  return (step, next) => {
    const { principal, decisions } = step.call;
    const keyId = keyOf(principal);
    if (keyId === undefined) return inner(step, next);
    const goOn = (live: boolean) => {
      if (live) return inner(step, next);
      const reason = 'the key this connection was opened with has been revoked or has expired';
      const policies = ['living-keys'];
      decisions.push({ by: 'guardian', effect: 'deny', policies, reason });
      throw new DeniedError(`${reason}; connect again with another`, { policies });
    };
    const live = isLive(keyId);
    return live instanceof Promise ? live.then(goOn) : goOn(live);
  };
}

/** The API key a caller came with, or opened its session with. */
function keyOf({ method, credentialId, openedWith }: Principal): string | undefined {
  return method === 'api-key' ? credentialId : openedWith?.keyId;
}
