import { type AnyTool, defineTool } from '@meshwork/core';
import { z } from 'zod';
import { agentIdField } from '../wire-fields.ts';
import type { AgentKey, AgentKeyBook } from './agent-key-book.ts';

const keyOutput = z.object({ agent_id: z.string(), kid: z.string(), x: z.string(), added_at: z.string() });
const show = (agent: string, { kid, x, addedAt }: AgentKey) => ({ agent_id: agent, kid, x, added_at: addedAt });

/**
 * The tools that say which Ed25519 keys stand for an agent. They are for admins: an agent that could add one itself would let whoever stole its
 * API key add theirs, and what the key pair proves beyond the API key would be gone.
 */
export function createAgentKeyTools(keys: AgentKeyBook): AnyTool[] {
  const category = 'agents';
  const effect = 'admin';
  return [
    defineTool({
      name: 'agent_key_add',
      title: 'Add an Ed25519 key of an agent',
      description: 'Adds a public key with which an agent may open sessions; four at most. The private key stays with the agent.',
      category,
      effect,
      annotations: { destructiveHint: false },
      input: z.strictObject({
        agent_id: agentIdField,
        public_key: z
          .union([z.string().max(64), z.record(z.string().max(64), z.union([z.string().max(256), z.boolean(), z.array(z.string().max(64)).max(8)]))])
          .describe('An Ed25519 JWK, or its 32 bytes in base64url.'),
      }),
      output: keyOutput,
      run: async ({ agent_id: agent, public_key: key }) => show(agent, await keys.add(agent, key)),
    }),
    defineTool({
      name: 'agent_key_list',
      title: 'List the Ed25519 keys of an agent',
      description: 'Lists the public keys with which an agent may open sessions.',
      category,
      effect,
      annotations: { readOnlyHint: true, destructiveHint: false },
      input: z.strictObject({ agent_id: agentIdField }),
      output: z.object({ keys: z.array(keyOutput) }),
      run: async ({ agent_id: agent }) => ({ keys: (await keys.list(agent)).map((key) => show(agent, key)) }),
    }),
    defineTool({
      name: 'agent_key_remove',
      title: 'Remove an Ed25519 key of an agent',
      description: 'Takes a public key out; the sessions that were opened with it end.',
      category,
      effect,
      input: z.strictObject({
        agent_id: agentIdField,
        kid: z
          .string()
          .regex(/^[\w-]{43}$/)
          .describe('The thumbprint of the key (RFC 7638).'),
      }),
      output: z.object({ removed: z.boolean(), kid: z.string() }),
      run: async ({ agent_id: agent, kid }) => {
        await keys.remove(agent, kid);
        return { removed: true, kid };
      },
    }),
  ];
}
