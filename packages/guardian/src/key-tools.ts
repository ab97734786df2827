import { type AnyTool, DeniedError, defineTool, type Effect, InvalidInputError, NotFoundError, type Principal } from '@meshwork/core';
import { z } from 'zod';
import type { IssuedKey } from './credential-book.ts';
import { type KeyBook, LONGEST_KEY_TTL_MS, LONGEST_OVERLAP_MS } from './key-book.ts';
import type { ApiKey } from './key-record.ts';
import { coversEffect, effects } from './key-scopes.ts';
import { agentIdField } from './wire-fields.ts';

const keyIdField = z
  .string()
  .regex(/^[0-9a-f]{16}$/, 'must be the 16 characters between mk_ and the secret')
  .describe('The part of the key between mk_ and the secret; key_list shows it.');
const plainText = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine((text) => !/\p{Cc}/u.test(text), 'must be one line');
const scopesField = z.array(z.enum(effects)).min(1).max(effects.length);
const networksField = z.array(z.string().min(1).max(64)).min(1).max(100);

const keyOutput = z.object({
  key_id: z.string(),
  agent_id: z.string().optional().describe("The agent it is for; absent for an admin's key."),
  admin: z.boolean(),
  state: z.enum(['active', 'expired', 'other-pepper']),
  name: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  networks: z.array(z.string()).optional(),
  owner: z.string().optional(),
  organisation: z.string().optional(),
  created_at: z.string(),
  expires_at: z.string().optional(),
  last_used_at: z.string().optional(),
  replaces: z.string().optional(),
  replaced_by: z.string().optional(),
});
const issuedOutput = keyOutput.extend({ key: z.string().describe('Shown this once.') });

/** The tools admins use for API keys. A key is in no answer but the one it was made in. */
export function createKeyTools(keys: KeyBook): AnyTool[] {
  const category = 'agents';
  const effect = 'admin';
  return [
    defineTool({
      name: 'key_create',
      title: 'Make an API key',
      description: 'Makes one more key for an agent or an admin, limited as you say. The key is shown only in this answer.',
      category,
      effect,
      annotations: { destructiveHint: false },
      input: z.strictObject({
        agent_id: agentIdField.optional(),
        admin: z.literal(true).optional().describe("Makes an admin's key instead of an agent's."),
        name: plainText(100).optional().describe('What it is for, for people to read.'),
        expires_in_ms: z.int().min(1).max(LONGEST_KEY_TTL_MS).optional().describe('How long it lives. Default: until it is revoked.'),
        scopes: scopesField.optional().describe('Effects of the tools it may be used for; none implies another. Default: no limit beside the policies.'),
        networks: networksField.optional().describe('Networks it may be used from, in CIDR notation. Default: anywhere.'),
        owner: plainText(200).optional().describe('The party answerable for whoever uses it.'),
        organisation: plainText(200).optional(),
      }),
      output: issuedOutput,
      run: async ({ agent_id: agent, admin, expires_in_ms: ttlMs, scopes, ...said }, { principal }) => {
        if ((agent === undefined) !== (admin === true)) throw new InvalidInputError('say whose key it is: either agent_id, or admin: true');
        const terms = definedOf(said);
        const limit = scopesWithin(principal, scopes);
        return showIssued(
          await keys.create({
            ...terms,
            ...(agent !== undefined && { agent }),
            ...(ttlMs !== undefined && { ttlMs }),
            ...(limit !== undefined && { scopes: limit }),
          }),
        );
      },
    }),
    defineTool({
      name: 'key_list',
      title: 'List the API keys',
      description: 'Lists keys with their limits, state and last use, oldest first. The keys themselves are not shown.',
      category,
      effect,
      annotations: { readOnlyHint: true, destructiveHint: false },
      input: z.strictObject({ agent_id: agentIdField.optional() }),
      output: z.object({ keys: z.array(keyOutput) }),
      run: async ({ agent_id: agent }) => ({ keys: (await keys.list(agent === undefined ? {} : { agent })).map(showKey) }),
    }),
    defineTool({
      name: 'key_rotate',
      title: 'Replace an API key',
      description: 'Makes a key of the same holder and limits, shown only in this answer. The old one dies at the end of the overlap.',
      category,
      effect,
      input: z.strictObject({
        key_id: keyIdField,
        overlap_ms: z.int().min(0).max(LONGEST_OVERLAP_MS).optional().describe('How long the old key stays good. Default 0: it dies at once.'),
      }),
      output: issuedOutput,
      run: async ({ key_id: keyId, overlap_ms: overlapMs = 0 }, { principal }) => {
        const old = await keys.get(keyId);
        if (old === undefined) throw new NotFoundError(`there is no key ${keyId}; list the keys`);
        scopesWithin(principal, old.scopes ?? effects);
        return showIssued(await keys.rotate(keyId, { overlapMs }));
      },
    }),
    defineTool({
      name: 'key_revoke',
      title: 'Revoke an API key',
      description: 'Makes a key worthless at once; within five seconds on other hubs of the same store. Revoking it again changes nothing.',
      category,
      effect,
      annotations: { idempotentHint: true },
      input: z.strictObject({ key_id: keyIdField }),
      output: z.object({ revoked: z.boolean().describe('False when there was no such key any more.'), key_id: z.string() }),
      run: async ({ key_id: keyId }) => ({ revoked: await keys.revoke(keyId), key_id: keyId }),
    }),
  ];
}

/** A limited caller gives away no more than it has: asked for nothing, a key gets the caller's own scopes. */
function scopesWithin(principal: Principal, asked: readonly Effect[] | undefined): readonly Effect[] | undefined {
  if (asked === undefined) return principal.scopes === undefined ? undefined : effects.filter((effect) => coversEffect(principal, effect));
  const beyond = asked.filter((effect) => !coversEffect(principal, effect));
  if (beyond.length > 0)
    throw new DeniedError(`your own credential lacks the scope ${beyond.join(', ')}, so it cannot make a key with it; use one without that limit`, {
      policies: ['credential-scopes'],
    });
  return asked;
}

function definedOf<T extends object>(object: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}

function showIssued({ key, apiKey }: IssuedKey) {
  return { ...showKey(apiKey), key };
}

function showKey({ id, kind, holder, state, createdAt, expiresAt, lastUsedAt, replacedBy, scopes, networks, ...rest }: ApiKey) {
  return {
    key_id: id,
    ...(kind === 'agent' && { agent_id: holder }),
    admin: kind === 'admin',
    state,
    ...rest,
    ...(scopes !== undefined && { scopes: [...scopes] }),
    ...(networks !== undefined && { networks: [...networks] }),
    created_at: createdAt,
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    ...(lastUsedAt !== undefined && { last_used_at: lastUsedAt }),
    ...(replacedBy !== undefined && { replaced_by: replacedBy }),
  };
}
