import { type AnyTool, type Clock, defineTool, mayActFor, type Principal, redactSecrets } from '@meshwork/core';
import { z } from 'zod';
import type { AgentBook } from './agent-book.ts';
import type { Grant, GrantBook } from './grant-book.ts';
import type { PolicyDecision } from './policy-engine.ts';
import type { Trail, TrailEntry } from './trail.ts';
import { agentIdField, boundToField, justificationField, resourceTypeField, scopeField, tokenField } from './wire-fields.ts';

export interface PermissionToolsOptions {
  readonly agents: AgentBook;
  readonly grants: GrantBook;
  readonly trail: Trail;
  readonly clock: Clock;
  readonly grantTtlMs: number;
  readonly resourceTypes: readonly string[];
  /** Decides about an agent's request, from verified facts. */
  readonly decide: (request: {
    readonly principal: Principal;
    readonly agent: string;
    readonly resource: string;
    readonly scope: string;
  }) => Promise<PolicyDecision>;
  readonly onChange: (event: PermissionEvent) => void;
}

export type PermissionEvent =
  | { readonly type: 'grant-issued'; readonly grantId: string; readonly agent: string; readonly resource: string }
  | { readonly type: 'grant-refused'; readonly agent: string; readonly resource: string; readonly policies: readonly string[] }
  | { readonly type: 'grant-revoked'; readonly grantId: string; readonly agent: string; readonly resource: string };

/** The scope of a request that names none. */
const WHOLE = '*';

/** The tools agents use: ask for a permission, check one, give one back. */
export function createPermissionTools(options: PermissionToolsOptions): AnyTool[] {
  return [requestPermission(options), validateToken(options), revokeToken(options)];
}

function requestPermission({ agents, grants, trail, clock, grantTtlMs, resourceTypes, decide, onChange }: PermissionToolsOptions) {
  return defineTool({
    name: 'request_permission',
    title: 'Request a permission',
    description:
      'Asks for a time-limited grant to use a resource. The policies of this hub decide; the answer names the ones that did. The token is shown once.',
    category: 'permission',
    effect: 'write',
    input: z.strictObject({
      agent_id: agentIdField,
      resource_type: resourceTypeField(resourceTypes),
      justification: justificationField,
      scope: scopeField.optional(),
    }),
    output: z.object({
      granted: z.boolean(),
      reason: z.string(),
      policies: z.array(z.string()),
      token: z.string().optional(),
      grant_id: z.string().optional(),
      scope: z.string().optional(),
      expires_at: z.string().optional(),
    }),
    run: async ({ agent_id: agent, resource_type: resource, justification: said, scope = WHOLE }, { principal, call }) => {
      // People paste keys where they do not belong; what is kept for others to read must not hold one.
      const justification = redactSecrets(said);
      const decision = await judge(agents, principal, agent, () => decide({ principal, agent, resource, scope }));
      call.decisions.push({ by: 'guardian', ...decision });
      const entry = {
        time: new Date(clock.now()).toISOString(),
        caller: principal.id,
        zone: principal.zone,
        agent,
        resource,
        scope,
        justification,
        policies: decision.policies,
        reason: decision.reason,
      };
      if (decision.effect === 'deny') {
        await trail.add({ ...entry, event: 'refused' });
        onChange({ type: 'grant-refused', agent, resource, policies: decision.policies });
        return { granted: false, reason: decision.reason, policies: [...decision.policies] };
      }
      const { token, grant } = await grants.issue(
        { agent, resource, scope, zone: principal.zone, policies: decision.policies, justification, ...bindingOf(principal, agent) },
        { ttlMs: grantTtlMs, alongside: ({ id }) => trail.add({ ...entry, event: 'granted', grantId: id }) },
      );
      onChange({ type: 'grant-issued', grantId: grant.id, agent, resource });
      return { granted: true, reason: decision.reason, policies: [...decision.policies], token, grant_id: grant.id, scope, expires_at: grant.expiresAt };
    },
  });
}

/** A grant somebody asks for on behalf of an agent is not bound to that one's own key. */
function bindingOf({ id, proven }: Principal, agent: string): Pick<Grant, 'boundTo'> {
  const [boundTo] = id === agent ? (proven ?? []) : [];
  return boundTo === undefined ? {} : { boundTo };
}

/**
 * Whether a bound grant is in the right hands. Its holder has to have proved the key itself; of anybody else who asks it is believed what they
 * saw proved to them, and left to them to compare when they do not say.
 */
function isInRightHands({ agent, boundTo }: Grant, { id, proven }: Principal, seen: string | undefined): boolean {
  if (boundTo === undefined) return true;
  return id === agent ? proven?.includes(boundTo) === true : seen === undefined || seen === boundTo;
}

/** Who asks must be the agent or act for it, and the agent must be known; only then do the policies decide. */
async function judge(agents: AgentBook, principal: Principal, agent: string, decide: () => Promise<PolicyDecision>): Promise<PolicyDecision> {
  if (!mayActFor(principal, agent))
    return {
      effect: 'deny',
      policies: ['agent-is-caller'],
      reason: `impersonation: the caller is ${principal.id} and may not ask for ${agent}; ask with the key of ${agent}`,
    };
  if ((await agents.get(agent)) === undefined)
    return { effect: 'deny', policies: ['agent-is-known'], reason: `this hub does not know an agent ${agent}; an admin can add it` };
  return decide();
}

/** The trail's entry for a revocation. */
export function revocationOf({ id: grantId, agent, resource }: Grant, by: Pick<Principal, 'id' | 'zone'>, now: number): TrailEntry {
  const time = new Date(now).toISOString();
  return { time, event: 'revoked', caller: by.id, zone: by.zone, agent, resource, policies: [], reason: `revoked by ${by.id}`, grantId };
}

function validateToken({ agents, grants, resourceTypes }: PermissionToolsOptions) {
  return defineTool({
    name: 'validate_token',
    title: 'Check a permission token',
    description:
      'Says whether a token is valid for this agent and this resource, now. An invalid token is an answer, not an error. Where the answer has bound_to, only who holds that key or certificate may use the token.',
    category: 'permission',
    effect: 'read',
    input: z.strictObject({
      token: tokenField,
      agent_id: agentIdField,
      resource_type: resourceTypeField(resourceTypes),
      bound_to: boundToField.optional(),
    }),
    output: z.object({
      valid: z.boolean(),
      reason: z.string().optional(),
      grant_id: z.string().optional(),
      expires_at: z.string().optional(),
      bound_to: z.string().optional().describe('The key (jkt:) or certificate (x5t#S256:) it is bound to, by its thumbprint.'),
    }),
    run: async ({ token, agent_id: agent, resource_type: resource, bound_to: seen }, { principal }) => {
      const [grant, holder] = await Promise.all([grants.find(token), agents.get(agent)]);
      // A grant does not pass to a later agent of the same name.
      const isHeld = grant !== undefined && holder !== undefined && holder.addedAt <= grant.issuedAt;
      if (!isHeld || grant.agent !== agent || grant.resource !== resource)
        return { valid: false, reason: 'the token is not valid for this agent and resource' };
      const state = grants.stateOf(grant);
      if (state !== 'active') return { valid: false, reason: state === 'revoked' ? 'the grant was revoked' : 'the grant has expired; request a new one' };
      if (!isInRightHands(grant, principal, seen))
        return { valid: false, reason: 'the token is bound to a key or certificate that was not shown; use it with the one it was requested with' };
      return { valid: true, grant_id: grant.id, expires_at: grant.expiresAt, ...(grant.boundTo !== undefined && { bound_to: grant.boundTo }) };
    },
  });
}

function revokeToken({ grants, trail, clock, onChange }: PermissionToolsOptions) {
  return defineTool({
    name: 'revoke_token',
    title: 'Give a permission back',
    description: 'Revokes the grant a token stands for, at once. The holder, whoever acts for it, and an admin may.',
    category: 'permission',
    effect: 'write',
    annotations: { idempotentHint: true },
    input: z.strictObject({ token: tokenField }),
    output: z.object({ revoked: z.boolean(), grant_id: z.string().optional() }),
    run: async ({ token }, { principal }) => {
      const grant = await grants.find(token);
      if (grant === undefined || !mayActFor(principal, grant.agent)) return { revoked: false };
      if (!(await grants.revoke(token, principal.id))) return { revoked: false, grant_id: grant.id };
      const { agent, resource, id: grantId } = grant;
      await trail.add(revocationOf(grant, principal, clock.now()));
      onChange({ type: 'grant-revoked', grantId, agent, resource });
      return { revoked: true, grant_id: grantId };
    },
  });
}
