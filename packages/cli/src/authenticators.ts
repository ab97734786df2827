import { type Authenticator, type Principal, zoneTrust } from '@meshwork/core';

/**
 * Lets callers of this machine in without a key, as somebody who may do anything, while the hub listens on this machine only; from elsewhere,
 * through any proxy, and on a hub that others can reach they are nobody, whom the policies refuse. Whoever shows a key or a certificate is
 * who that says.
 */
export function withoutKeys(inner: Authenticator, { onThisMachineOnly }: { readonly onThisMachineOnly: boolean }): Authenticator {
  return {
    async authenticate(credential, connection) {
      const known = await inner.authenticate(credential, connection);
      if (known !== undefined || credential !== undefined) return known;
      const { remoteAddress, forwarded } = connection;
      const local = onThisMachineOnly && forwarded === undefined && remoteAddress !== undefined && LOOPBACK.test(remoteAddress);
      const zone = local ? 'local' : 'external';
      const principal: Principal = {
        id: 'anyone',
        kind: local ? 'user' : 'anonymous',
        roles: local ? ['admin'] : [],
        zone,
        trust: zoneTrust[zone],
        method: 'none',
        actsFor: local ? ['*'] : [],
        ...(remoteAddress !== undefined && { address: remoteAddress }),
      };
      return principal;
    },
    ...(inner.onWithdrawn && { onWithdrawn: inner.onWithdrawn }),
  };
}

const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/;
