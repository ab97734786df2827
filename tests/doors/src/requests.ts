import type { Principal, Zone } from '@meshwork/core';
import { doorOf } from './faces.ts';
import type { World } from './world.ts';

/** Adds an agent; what it sends over MCP and REST comes from the zone. */
export async function agentAt(world: World, name: string, zone: Zone = 'local') {
  const { key } = await world.guard.agents.add({ name });
  return { key, ...doorOf(world, { key }, zone) };
}

/** A POST of JSON. */
export const post = (body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

/** The arguments of `request_permission`. */
export const ask = (agent_id: string, more: object = {}) => ({ agent_id, resource_type: 'SAP_API', justification: 'quarterly figures', ...more });

export const adminHere: Principal = { id: 'admin', kind: 'user', roles: ['admin'], zone: 'local', trust: 0.9, method: 'api-key', actsFor: ['*'] };

/** What a resource says, as JSON. */
export async function readAs(world: World, principal: Principal, uri: string): Promise<Record<string, unknown>> {
  const answer = await world.hub.call({ kind: 'resource', name: uri, principal, face: 'local' });
  const [contents] = answer.kind === 'resource' ? answer.contents : [];
  return JSON.parse(contents !== undefined && 'text' in contents ? contents.text : '{}');
}
