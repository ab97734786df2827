import { type Outcome, redactSecrets } from '@meshwork/core';
import { type RecordBase, shorten } from './record.ts';

/** What the transports say of a request they refused before it was a call. The shape is theirs (`DoorRefusal` of `@meshwork/transports`). */
export interface Refusal {
  readonly face?: string;
  readonly address?: string;
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly method?: string;
  readonly path?: string;
  readonly principal?: string;
  readonly credentialId?: string;
}

/** A request, frame or line that was refused at the door, or many of them together. */
export interface DoorRecord extends RecordBase {
  readonly kind: 'door';
  /** The HTTP status it was answered with. */
  readonly status?: number;
  /** The public id of the key that was shown: whether it is known, the record does not say. */
  readonly credential_id?: string;
  /** How many refusals this record stands for, where it stands for those of a flood; which, by status, and the addresses most of them came from. */
  readonly count?: number;
  readonly statuses?: Readonly<Record<string, number>>;
  readonly addresses?: Readonly<Record<string, number>>;
}

/** Nobody: who was refused at the door has no principal, unless the refusal names one, of whom it says no more. */
const NOBODY = { id: 'unknown', kind: 'anonymous', zone: 'unknown', trust: 0, method: 'none' } as const;

/** Pure: what is kept of one refusal. */
export function doorRecordOf({ face, address, status, code, reason, method, path, principal, credentialId }: Refusal, time: string): DoorRecord {
  const clean = (text: string) => shorten(redactSecrets(text));
  return {
    v: 1,
    time,
    principal: {
      ...NOBODY,
      ...(principal !== undefined && { id: clean(principal), kind: 'unknown' }),
      ...(address !== undefined && { address: clean(address) }),
    },
    face: face ?? 'none',
    kind: 'door',
    name: clean([method, path].filter((part) => part !== undefined).join(' ')),
    decisions: [{ by: 'door', effect: 'deny', policies: [], reason: clean(reason) }],
    outcome: outcomeOf(status),
    code: clean(code),
    status,
    ...(credentialId !== undefined && { credential_id: clean(credentialId) }),
  };
}

/** What a flood held, counted. */
export interface Flood {
  readonly count: number;
  readonly statuses: ReadonlyMap<number, number>;
  readonly addresses: ReadonlyMap<string, number>;
}

/** Addresses named in the record of a flood, at most. */
const NAMED = 20;

/** Pure: one record for all refusals of a flood. */
export function floodRecordOf({ count, statuses, addresses }: Flood, time: string): DoorRecord {
  const most = [...addresses].sort(([, a], [, b]) => b - a).slice(0, NAMED);
  return {
    v: 1,
    time,
    principal: NOBODY,
    face: 'none',
    kind: 'door',
    name: 'flood',
    decisions: [{ by: 'door', effect: 'deny', policies: [], reason: `${count} more requests were refused than are recorded singly` }],
    outcome: 'limited',
    code: 'FLOOD',
    count,
    statuses: Object.fromEntries(statuses),
    addresses: Object.fromEntries(most.map(([address, times]) => [shorten(redactSecrets(address)), times])),
  };
}

function outcomeOf(status: number): Outcome {
  if (status === 401 || status === 403) return 'denied';
  if (status === 404) return 'unknown-name';
  if (status === 429) return 'limited';
  return status >= 500 ? 'failed' : 'invalid';
}
