import type { Connection, Principal } from '@meshwork/core';

/**
 * What of a caller's keys is proven: the key its credential is bound to, and the certificate of its connection. A member for a principal, and none
 * where there is neither.
 */
export function provenBy({ certificate }: Pick<Connection, 'certificate'>, key?: string): Pick<Principal, 'proven'> {
  if (key === undefined && certificate === undefined) return {};
  return { proven: [...(key === undefined ? [] : [`jkt:${key}`]), ...(certificate === undefined ? [] : [`x5t#S256:${certificate.thumbprint}`])] };
}
