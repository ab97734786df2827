import { defineResource, type Principal, type Resource } from '@meshwork/core';
import type { Grant, GrantBook } from './grant-book.ts';
import type { Trail, TrailEntry } from './trail.ts';

/** Entries shown at most. */
const LIMIT = 1_000;

/** The grants and the trail, as resources: an agent sees its own, an admin all. */
export function createGrantResources({ grants, trail }: { readonly grants: GrantBook; readonly trail: Trail }): Resource[] {
  return [
    defineResource({
      uri: 'grants://active',
      name: 'Active grants',
      description: 'The permissions that hold now, newest first: your own, or all of them for an admin.',
      mimeType: 'application/json',
      read: async (_request, { principal }) => {
        const active = await grants.list({ ...only(principal), activeOnly: true });
        return { json: { total: active.length, grants: active.slice(0, LIMIT).map(showGrant) } };
      },
    }),
    defineResource({
      uri: 'grants://audit',
      name: 'Permission trail',
      description: 'Requests, grants, refusals and revocations, newest first: your own, or all of them for an admin.',
      mimeType: 'application/json',
      read: async (_request, { principal }) => ({ json: { entries: (await trail.newest({ limit: LIMIT, ...only(principal) })).map(showEntry) } }),
    }),
  ];
}

function only(principal: Principal): { agent?: string } {
  return principal.roles.includes('admin') ? {} : { agent: principal.id };
}

function showGrant({ id, agent, resource, scope, zone, policies, justification, issuedAt, expiresAt }: Grant) {
  return { grant_id: id, agent_id: agent, resource_type: resource, scope, zone, policies, justification, issued_at: issuedAt, expires_at: expiresAt };
}

function showEntry({ agent, resource, grantId, ...entry }: TrailEntry) {
  return { ...entry, agent_id: agent, resource_type: resource, ...(grantId !== undefined && { grant_id: grantId }) };
}
