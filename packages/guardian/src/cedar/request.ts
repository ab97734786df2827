import type { Entities } from './entities.ts';
import type { EntityUid } from './entity-uid.ts';
import type { CedarRecord } from './value.ts';

/** What a policy is evaluated against. */
export interface Request {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: CedarRecord;
  readonly entities: Entities;
}
