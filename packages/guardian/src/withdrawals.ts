import type { WithdrawalListener } from '@meshwork/core';

/** Tells whoever keeps connections open of credentials that ended before their time. */
export interface Withdrawals {
  /** Of this principal; of anybody, when it is not known whose they were. */
  tell: WithdrawalListener;
  /** Returns the way to stop. */
  listen(listener: WithdrawalListener): () => void;
}

export function createWithdrawals(): Withdrawals {
  const listeners = new Set<WithdrawalListener>();
  return {
    tell(principalId) {
      for (const listener of listeners) listener(principalId);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
