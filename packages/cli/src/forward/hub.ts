import type { HubEventTypes } from './hub-event-types.ts';
import type { News } from './news.ts';

const source = 'urn:meshwork:hub';

/** A hub takes calls from now on; whoever was connected to an earlier one of its name is not any more. */
export function startedNews(data: HubEventTypes['meshwork.hub.started']): News {
  return { source, type: 'meshwork.hub.started', data };
}

/** A hub takes no more calls, and everybody's connections to it end. */
export function stoppingNews(data: HubEventTypes['meshwork.hub.stopping']): News {
  return { source, type: 'meshwork.hub.stopping', data };
}
