import type { Principal } from '@meshwork/core';

/** What a session rests on besides the id: a request that comes from elsewhere, or with other rights, is not the session's owner. */
export function hasSameStanding(one: Principal, other: Principal): boolean {
  return standingOf(one) === standingOf(other);
}

function standingOf({ id, kind, roles, zone, trust, method, actsFor, scopes }: Principal): string {
  return JSON.stringify([id, kind, roles, zone, trust, method, actsFor, scopes]);
}
