import type { AuditLog } from '@meshwork/audit';
import type { Blackboard } from '@meshwork/blackboard';
import type { Operations } from '@meshwork/core';
import type { EventBus } from '@meshwork/events';
import type { Guardian } from '@meshwork/guardian';
import type { Presence } from '@meshwork/transports';
import type { RateLimits } from '@meshwork/transports/limits';
import { auditNews } from './audit.ts';
import { blackboardNews } from './blackboard.ts';
import { guardianNews } from './guardian.ts';
import type { HubEventTypes } from './hub-event-types.ts';
import { limitNews } from './limits.ts';
import { operationNews } from './operations.ts';
import { presenceNews } from './presence.ts';

/** The modules that tell, by what they tell with. */
interface TellingModules {
  readonly guardian: Pick<Guardian, 'events'>;
  readonly operations: Pick<Operations, 'events'>;
  readonly audit: Pick<AuditLog, 'events'>;
  readonly limits: Pick<RateLimits, 'events'> | undefined;
  readonly presence: Pick<Presence, 'events'>;
  readonly blackboard: Pick<Blackboard, 'events'> | undefined;
}

/**
 * Puts what the modules tell on the bus, from now on. They wait for nobody: what they tell is in the log a moment later, and lost if the process dies
 * before. What must not be lost is not for emitters (see `endNews`).
 */
export function forwardModules(
  bus: Pick<EventBus<HubEventTypes>, 'forward'>,
  { guardian, operations, audit, limits, presence, blackboard }: TellingModules,
): void {
  bus.forward(guardian.events, guardianNews);
  bus.forward(operations.events, operationNews);
  bus.forward(audit.events, auditNews);
  if (limits !== undefined) bus.forward(limits.events, limitNews);
  bus.forward(presence.events, presenceNews);
  if (blackboard !== undefined) bus.forward(blackboard.events, blackboardNews);
}
