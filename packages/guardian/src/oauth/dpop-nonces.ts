import type { Clock } from '@meshwork/core';
import { encodeBase64url } from '../base64url.ts';

/** Nonces a hub wants to see in DPoP proofs (RFC 9449 section 9): who made a proof knew the hub's latest, so that none is made in advance. */
export interface DpopNonces {
  readonly current: string;
  isGood(nonce: unknown): boolean;
}

/** A new nonce each `periodMs`; the one before is still taken. */
export function createDpopNonces({ clock, periodMs = 120_000 }: { clock: Clock; periodMs?: number }): DpopNonces {
  let made = { period: Number.NaN, current: '', previous: '' };
  const nonces = () => {
    const period = Math.floor(clock.now() / periodMs);
    if (period !== made.period) made = { period, current: freshNonce(), previous: period === made.period + 1 ? made.current : '' };
    return made;
  };
  return {
    get current() {
      return nonces().current;
    },
    isGood(nonce) {
      const { current, previous } = nonces();
      return typeof nonce === 'string' && nonce !== '' && (nonce === current || nonce === previous);
    },
  };
}

function freshNonce(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));
}
