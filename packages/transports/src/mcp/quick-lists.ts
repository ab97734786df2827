import type { Hub, Principal } from '@meshwork/core';
import { SERVER_INFO_META_KEY } from '@modelcontextprotocol/server';
import { type CatalogueLists, listsOf } from './catalogue-lists.ts';
import { capabilitiesOf } from './mcp-server.ts';

/** Requests whose answer is the same, for all who are shown the same, until the catalogue changes. */
export type ListMethod = 'tools/list' | 'resources/list' | 'resources/templates/list' | 'prompts/list' | 'server/discover';

const texts = new WeakMap<CatalogueLists, Map<ListMethod, string>>();

/** The result as JSON text, written once for all who are shown the same. */
export function listText(hub: Hub, method: ListMethod, principal: Principal): string {
  const lists = listsOf(hub.visibleTo(principal));
  let written = texts.get(lists);
  if (written === undefined) {
    written = new Map();
    texts.set(lists, written);
  }
  let text = written.get(method);
  if (text === undefined) {
    const _meta = { [SERVER_INFO_META_KEY]: hub.info };
    text = JSON.stringify({ ...resultOf(hub, lists, method), resultType: 'complete', ttlMs: 0, cacheScope: 'private', _meta });
    written.set(method, text);
  }
  return text;
}

function resultOf(hub: Hub, { tools, resources, templates, prompts }: CatalogueLists, method: ListMethod): object {
  switch (method) {
    case 'tools/list':
      return { tools };
    case 'resources/list':
      return { resources };
    case 'resources/templates/list':
      return { resourceTemplates: templates };
    case 'prompts/list':
      return { prompts };
    case 'server/discover':
      return {
        supportedVersions: ['2026-07-28'],
        capabilities: capabilitiesOf(hub),
        ...(hub.instructions !== undefined && { instructions: hub.instructions }),
      };
  }
}
