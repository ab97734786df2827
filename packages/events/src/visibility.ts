import { mayActFor, type Principal } from '@meshwork/core';
import type { CloudEvent } from './cloud-event.ts';

/** Who looks at events: what a subscription keeps of its owner, for the time when nobody is there to ask. */
export type Viewer = Pick<Principal, 'id' | 'kind' | 'roles' | 'actsFor'>;

/** Whether somebody may see an event. Asked for every event and every reader, so it answers at once. */
export type CanSee = (viewer: Viewer, event: CloudEvent) => boolean;

/**
 * The rule of a hub that names none: admins see all; others what is theirs, by `owner` or by `subject`, or of an agent they may act for, and
 * what is marked `visibility: public`. Whoever has shown no credential sees nothing.
 */
export const seesOwn: CanSee = (viewer, { owner, subject, visibility }) => {
  if (viewer.kind === 'anonymous') return false;
  if (viewer.roles.includes('admin') || visibility === 'public') return true;
  const isTheirs = (id: string | undefined) => id !== undefined && mayActFor(viewer as Principal, id);
  return isTheirs(owner) || isTheirs(subject);
};

/** What is kept of a principal. */
export function viewerOf({ id, kind, roles, actsFor }: Principal): Viewer {
  return { id, kind, roles: [...roles], actsFor: [...actsFor] };
}
