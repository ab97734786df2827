import type { JsonObject } from '@meshwork/core';
import { usageError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { readAdminKey, writeAdminKey } from '../data-folder.ts';
import { durationOption } from '../duration.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { table } from '../table.ts';

export interface CreateKeyOptions {
  readonly admin?: boolean;
  readonly name?: string;
  readonly expires?: string;
  readonly scopes?: string;
  readonly network?: readonly string[];
  readonly owner?: string;
  readonly organisation?: string;
}

/** Makes a key for an agent, or for an admin. */
export async function createKey(context: CommandContext, agent: string | undefined, options: CreateKeyOptions): Promise<ExitCode> {
  const { admin = false, name, expires, scopes, network, owner, organisation } = options;
  if ((agent === undefined) === !admin) throw usageError('say whose key it is: the name of an agent, or --admin');
  const args: JsonObject = {
    ...(agent !== undefined && { agent_id: agent }),
    ...(admin && { admin }),
    ...(name !== undefined && { name }),
    ...(expires !== undefined && { expires_in_ms: durationOption('--expires', expires) }),
    ...(scopes !== undefined && { scopes: scopes.split(',').map((scope) => scope.trim()) }),
    ...(network !== undefined && { networks: [...network] }),
    ...(owner !== undefined && { owner }),
    ...(organisation !== undefined && { organisation }),
  };
  await using hub = await context.connect();
  const made = await hub.call('key_create', args);
  context.print(made, () => keyText([`Made key ${made.key_id} for ${holderOf(made)}.`, ...termsOf(made)], made));
  return exitCodes.ok;
}

export async function listKeys(context: CommandContext, agent: string | undefined): Promise<ExitCode> {
  await using hub = await context.connect();
  const result = await hub.call('key_list', agent === undefined ? {} : { agent_id: agent });
  const keys = result.keys as unknown as Row[];
  context.print(result, () =>
    keys.length === 0
      ? 'No keys. Make one: meshwork keys create AGENT'
      : table(
          ['key', 'for', 'name', 'state', 'scopes', 'networks', 'expires', 'last used'],
          keys.map((key) => [key.key_id, holderOf(key), key.name, stateOf(key), key.scopes ?? 'all', key.networks ?? 'any', key.expires_at, key.last_used_at]),
        ),
  );
  return exitCodes.ok;
}

/** Replaces a key; when it is the admin key this program uses, the file that holds it gets the new one. */
export async function rotateKey(context: CommandContext, keyId: string, { overlap = '0s' }: { readonly overlap?: string }): Promise<ExitCode> {
  const overlapMs = durationOption('--overlap', overlap);
  const own = await readAdminKey(context.folder);
  const isOwn = own?.startsWith(`mk_${keyId}_`) === true && own === (await context.key());
  await using hub = await context.connect();
  const made = await hub.call('key_rotate', { key_id: keyId, overlap_ms: overlapMs });
  if (isOwn) await writeAdminKey(context.folder, String(made.key));
  const document = isOwn ? { ...made, stored_in: context.folder.adminKeyFile } : made;
  context.print(document, () => {
    const end = overlapMs === 0 ? 'is worth nothing now' : `stays good for ${overlap} more at most`;
    const first = [`Made key ${made.key_id} for ${holderOf(made)}; the old one, ${keyId}, ${end}.`, ...termsOf(made)];
    return keyText(isOwn ? [...first, `It was stored in ${context.folder.adminKeyFile}.`] : first, made);
  });
  return exitCodes.ok;
}

export async function revokeKey(context: CommandContext, keyId: string): Promise<ExitCode> {
  await using hub = await context.connect();
  const result = await hub.call('key_revoke', { key_id: keyId });
  context.print(result, () => (result.revoked ? `The key ${keyId} is worth nothing now.` : `There is no key ${keyId}, or it was revoked already.`));
  return exitCodes.ok;
}

type Row = Readonly<Record<string, unknown>>;

function holderOf({ admin, agent_id }: Row): string {
  return admin === true ? 'an admin' : String(agent_id);
}

function stateOf({ state, replaced_by: replacedBy }: Row): string {
  return replacedBy === undefined ? String(state) : `${state}, replaced by ${replacedBy}`;
}

function termsOf({ scopes, networks, expires_at: expiresAt }: Row): string[] {
  return [
    ...(scopes === undefined ? [] : [`  scopes    ${(scopes as string[]).join(', ')}`]),
    ...(networks === undefined ? [] : [`  networks  ${(networks as string[]).join(', ')}`]),
    ...(expiresAt === undefined ? [] : [`  expires   ${expiresAt}`]),
  ];
}

function keyText(first: readonly string[], { key }: Row): string {
  return [...first, '', `  ${key}`, '', 'This key is shown only now. Give it to whoever uses it as MESHWORK_KEY.'].join('\n');
}
