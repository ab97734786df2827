import type { CommandContext } from '../command-context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { table } from '../table.ts';

export async function addAgent(context: CommandContext, name: string, { allow = [] }: { readonly allow?: readonly string[] }): Promise<ExitCode> {
  await using hub = await context.connect();
  const { agent_id, key } = await hub.call('agent_add', { agent_id: name, ...(allow.length > 0 && { resources: allow }) });
  context.print({ agent_id, key }, () => keyText(`Added ${agent_id}.`, String(key)));
  return exitCodes.ok;
}

export async function rotateKey(context: CommandContext, name: string): Promise<ExitCode> {
  await using hub = await context.connect();
  const { agent_id, key } = await hub.call('agent_rotate_key', { agent_id: name });
  context.print({ agent_id, key }, () => keyText(`The old key of ${agent_id} is worth nothing now.`, String(key)));
  return exitCodes.ok;
}

export async function listAgents(context: CommandContext): Promise<ExitCode> {
  await using hub = await context.connect();
  const result = await hub.call('agent_list', {});
  const agents = result.agents as unknown as { agent_id: string; allowed: string[]; added_at: string }[];
  context.print(result, () =>
    agents.length === 0
      ? 'No agents yet. Add one: meshwork agent add NAME'
      : table(
          ['agent', 'allowed beyond the everyday', 'added'],
          agents.map((agent) => [agent.agent_id, agent.allowed, agent.added_at]),
        ),
  );
  return exitCodes.ok;
}

export async function removeAgent(context: CommandContext, name: string): Promise<ExitCode> {
  await using hub = await context.connect();
  const result = await hub.call('agent_remove', { agent_id: name });
  context.print(result, () => `Removed ${name}; its key is worth nothing now.`);
  return exitCodes.ok;
}

export async function setAllowance(context: CommandContext, name: string, type: string, allowed: boolean): Promise<ExitCode> {
  await using hub = await context.connect();
  const result = await hub.call(allowed ? 'agent_allow' : 'agent_disallow', { agent_id: name, resource_type: type });
  context.print(result, () => `${name} ${allowed ? 'may now be granted' : 'is no longer granted'} ${type}.`);
  return exitCodes.ok;
}

function keyText(first: string, key: string): string {
  return [first, '', `  ${key}`, '', 'This key is shown only now. Give it to the agent as MESHWORK_KEY.'].join('\n');
}
