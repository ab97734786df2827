import { type AnyTool, defineTool, type Principal, type Zone, zoneTrust } from '@meshwork/core';
import { z } from 'zod';
import type { Agent, AgentBook } from './agent-book.ts';
import type { PolicyDecision } from './policy-engine.ts';
import { agentIdField, resourceTypeField, scopeField } from './wire-fields.ts';

export interface AgentToolsOptions {
  readonly agents: AgentBook;
  readonly resourceTypes: readonly string[];
  /** What the policies would say to an agent in a zone, without counting or granting anything. */
  readonly explain: (request: {
    readonly agent: Agent;
    readonly resource: string;
    readonly scope: string;
    readonly zone: Zone;
    readonly trust: Principal['trust'];
  }) => PolicyDecision;
}

const agentOutput = z.object({ agent_id: z.string(), allowed: z.array(z.string()), added_at: z.string() });
const keyOutput = z.object({ agent_id: z.string(), key: z.string().describe('Shown this once.') });

/** The tools admins use: add agents, allow them more, take them out, and ask why. */
export function createAgentTools({ agents, resourceTypes, explain }: AgentToolsOptions): AnyTool[] {
  const category = 'agents';
  const effect = 'admin';
  const type = resourceTypeField(resourceTypes);
  const show = ({ name, allowed, addedAt }: Agent) => ({ agent_id: name, allowed: [...allowed], added_at: addedAt });
  return [
    defineTool({
      name: 'agent_add',
      title: 'Add an agent',
      description: 'Adds an agent and makes its key, which is shown only in this answer.',
      category,
      effect,
      annotations: { destructiveHint: false },
      input: z.strictObject({
        agent_id: agentIdField,
        resources: z.array(type).max(100).optional().describe('Resource types it is allowed beyond the everyday ones.'),
      }),
      output: keyOutput,
      run: async ({ agent_id: name, resources = [] }) => {
        const { agentId, key } = await agents.add({ name, resources });
        return { agent_id: agentId, key };
      },
    }),
    defineTool({
      name: 'agent_list',
      title: 'List the agents',
      description: 'Lists the agents this hub knows and what an admin has allowed them. Keys are not shown.',
      category,
      effect,
      annotations: { readOnlyHint: true, destructiveHint: false },
      input: z.strictObject({}),
      output: z.object({ agents: z.array(agentOutput) }),
      run: async () => ({ agents: (await agents.list()).map(show) }),
    }),
    defineTool({
      name: 'agent_remove',
      title: 'Remove an agent',
      description: 'Removes an agent; its key and its grants are worth nothing from then on.',
      category,
      effect,
      input: z.strictObject({ agent_id: agentIdField }),
      output: z.object({ removed: z.boolean(), agent_id: z.string() }),
      run: async ({ agent_id: name }, { principal }) => {
        await agents.remove(name, principal);
        return { removed: true, agent_id: name };
      },
    }),
    defineTool({
      name: 'agent_rotate_key',
      title: "Change an agent's key",
      description: 'Makes a new key without limits for an agent, shown only in this answer; all its earlier ones are worth nothing from then on.',
      category,
      effect,
      input: z.strictObject({ agent_id: agentIdField }),
      output: keyOutput,
      run: async ({ agent_id: name }) => {
        const { agentId, key } = await agents.rotate(name);
        return { agent_id: agentId, key };
      },
    }),
    defineTool({
      name: 'agent_allow',
      title: 'Allow an agent a resource',
      description: 'Allows an agent a resource type beyond the everyday ones. It still has to ask each time.',
      category,
      effect,
      annotations: { destructiveHint: false, idempotentHint: true },
      input: z.strictObject({ agent_id: agentIdField, resource_type: type }),
      output: agentOutput,
      run: async ({ agent_id: name, resource_type: resource }) => show(await agents.allow(name, resource)),
    }),
    defineTool({
      name: 'agent_disallow',
      title: 'Take an allowance back',
      description: 'Takes back what agent_allow allowed. Grants already given run until they expire or are revoked.',
      category,
      effect,
      annotations: { idempotentHint: true },
      input: z.strictObject({ agent_id: agentIdField, resource_type: type }),
      output: agentOutput,
      run: async ({ agent_id: name, resource_type: resource }) => show(await agents.disallow(name, resource)),
    }),
    defineTool({
      name: 'permission_explain',
      title: 'Explain a decision',
      description: 'Says what the policies would answer an agent, and which of them decide, without granting anything.',
      category,
      effect,
      annotations: { readOnlyHint: true, destructiveHint: false },
      input: z.strictObject({
        agent_id: agentIdField,
        resource_type: type,
        scope: scopeField.optional(),
        zone: z.enum(['local', 'trusted', 'external']).optional().describe('Default: local.'),
      }),
      output: z.object({
        granted: z.boolean(),
        reason: z.string(),
        policies: z.array(z.string()),
        facts: z
          .object({
            agent_id: z.string(),
            agent_known: z.boolean().describe('False: the answer is what an agent of this name would get once it is added.'),
            allowed: z.array(z.string()),
            resource_type: z.string(),
            scope: z.string(),
            zone: z.string(),
            trust: z.number(),
          })
          .describe('What the decision rests on, besides the time and how often the agent asks.'),
      }),
      run: async ({ agent_id: name, resource_type: resource, scope = '*', zone = 'local' }) => {
        const known = await agents.get(name);
        const agent = known ?? { name, allowed: [], addedAt: '' };
        const trust = zoneTrust[zone];
        const { effect: verdict, reason, policies } = explain({ agent, resource, scope, zone, trust });
        const facts = { agent_id: name, agent_known: known !== undefined, allowed: [...agent.allowed], resource_type: resource, scope, zone, trust };
        return { granted: verdict === 'allow', reason, policies: [...policies], facts };
      },
    }),
  ];
}
