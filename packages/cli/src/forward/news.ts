import type { PayloadOf } from '@meshwork/core';
import type { NewEvent } from '@meshwork/events';
import type { HubEventTypes } from './hub-event-types.ts';

/** An event of the hub's own, with the data of its type and no other. */
export type News<Type extends keyof HubEventTypes = keyof HubEventTypes> = {
  [Each in Type]: NewEvent<Each, HubEventTypes[Each]> & { readonly source: string; readonly data: HubEventTypes[Each] };
}[Type];

/** For events of a module's emitter, what is published of each: every field is named there, so that no secret comes along. */
export type NewsOf<Events extends object> = { readonly [Name in keyof Events]?: (event: PayloadOf<Events[Name]>) => News };

/** Whose event it is: it sees it, and admins. Users, of whom one may be called as an agent is, are admins or see nothing. */
export function ownerOf(kind: string, id: string): { readonly owner?: string } {
  return kind === 'agent' ? { owner: id } : {};
}
