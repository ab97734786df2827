import type { CatalogueView, Hub, Principal } from '@meshwork/core';
import type { Topic } from './hub-changes.ts';

/** Which of a hub's changes one listener is told of: those of what it may see, so that being told tells nothing of the rest. */
export interface Hearing {
  /** To be asked once for each change, by whoever the listener is now. */
  hears(principal: Principal, topic: Topic): boolean;
}

/** `principal` is who begins to listen: a list has changed for it when it is not shown what it was shown then, or at the last change. */
export function createHearing(hub: Hub, principal: Principal): Hearing {
  const view = hub.visibleTo(principal);
  const shown = { tools: view, resources: view, prompts: view };
  return {
    hears(now, topic) {
      if (typeof topic !== 'string') return hub.maySee(now, topic.uri);
      const before = shown[topic];
      const after = hub.visibleTo(now);
      shown[topic] = after;
      return before !== after && lists[topic].some((list) => isOther(before[list], after[list]));
    },
  };
}

/** What of a view a topic is about. */
const lists = { tools: ['tools'], resources: ['resources', 'templates'], prompts: ['prompts'] } as const satisfies Record<
  string,
  readonly (keyof CatalogueView)[]
>;

function isOther(before: readonly unknown[], after: readonly unknown[]): boolean {
  return before.length !== after.length || before.some((item, index) => item !== after[index]);
}
