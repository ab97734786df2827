import type { CatalogueView, Hub, Principal } from '@meshwork/core';

/** True for a caller without a credential whom the policies let do nothing: it gets the door's 401, and never an empty list. */
export function seesNothing(hub: Hub, principal: Principal): boolean {
  return principal.kind === 'anonymous' && isEmpty(hub.visibleTo(principal)) && !isEmpty(hub.catalogue);
}

function isEmpty({ tools, resources, templates, prompts }: CatalogueView): boolean {
  return tools.length + resources.length + templates.length + prompts.length === 0;
}
