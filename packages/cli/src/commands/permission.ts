import type { CommandContext } from '../command-context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { table } from '../table.ts';

export interface RequestOptions {
  readonly agent: string;
  readonly resource: string;
  readonly justification: string;
  readonly scope?: string;
}

export async function requestPermission(context: CommandContext, { agent, resource, justification, scope }: RequestOptions): Promise<ExitCode> {
  await using hub = await context.connect();
  const answer = await hub.call('request_permission', { agent_id: agent, resource_type: resource, justification, ...(scope !== undefined && { scope }) });
  context.print(answer, () => {
    const policies = (answer.policies as readonly string[]).join(', ');
    if (!answer.granted) return `Refused: ${answer.reason}\n  decided by  ${policies}`;
    return [
      `Granted ${resource} to ${agent}.`,
      `  token       ${answer.token}   (shown only now)`,
      `  grant       ${answer.grant_id}`,
      `  scope       ${answer.scope}`,
      `  expires     ${answer.expires_at}`,
      `  decided by  ${policies}`,
    ].join('\n');
  });
  return answer.granted === true ? exitCodes.ok : exitCodes.refused;
}

export async function validateToken(
  context: CommandContext,
  { token, agent, resource }: { readonly token: string; readonly agent: string; readonly resource: string },
): Promise<ExitCode> {
  await using hub = await context.connect();
  const answer = await hub.call('validate_token', { token, agent_id: agent, resource_type: resource });
  context.print(answer, () => (answer.valid ? `Valid until ${answer.expires_at} (grant ${answer.grant_id}).` : `Not valid: ${answer.reason}`));
  return answer.valid === true ? exitCodes.ok : exitCodes.refused;
}

export async function revokeToken(context: CommandContext, { token }: { readonly token: string }): Promise<ExitCode> {
  await using hub = await context.connect();
  const answer = await hub.call('revoke_token', { token });
  context.print(answer, () =>
    answer.revoked ? `Revoked grant ${answer.grant_id}.` : 'Nothing to revoke: the token is unknown, expired, revoked already, or not yours.',
  );
  return answer.revoked === true ? exitCodes.ok : exitCodes.refused;
}

export async function listGrants(context: CommandContext, { trail = false }: { readonly trail?: boolean }): Promise<ExitCode> {
  await using hub = await context.connect();
  const document = await hub.read(trail ? 'grants://audit' : 'grants://active');
  context.print(document, () => (trail ? trailTable(document.entries as never) : grantTable(document.grants as never)));
  return exitCodes.ok;
}

type Row = Readonly<Record<string, unknown>>;

function grantTable(grants: readonly Row[]): string {
  if (grants.length === 0) return 'No grants hold now.';
  return table(
    ['agent', 'resource', 'scope', 'expires', 'justification'],
    grants.map((grant) => [grant.agent_id, grant.resource_type, grant.scope, grant.expires_at, grant.justification]),
  );
}

function trailTable(entries: readonly Row[]): string {
  if (entries.length === 0) return 'Nothing has been asked yet.';
  return table(
    ['time', 'event', 'agent', 'resource', 'policies', 'justification'],
    entries.map((entry) => [entry.time, entry.event, entry.agent_id, entry.resource_type, entry.policies, entry.justification]),
  );
}
