import { usageError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';

interface Host {
  readonly title: string;
  /** Where its configuration goes. */
  readonly where: string;
  readonly snippet: (url: string) => object;
}

const overHttp = (url: string) => ({ type: 'http', url, headers: { Authorization: `Bearer \${MESHWORK_KEY}` } });
const overStdio = { command: 'npx', args: ['--yes', 'meshwork', 'up', '--stdio', '--data', '.meshwork-desktop', '--agent', 'desktop'] };

const hosts: Readonly<Record<string, Host>> = {
  'claude-desktop': {
    title: 'Claude Desktop',
    where: 'claude_desktop_config.json (Settings, Developer, Edit Config)',
    snippet: () => ({ mcpServers: { meshwork: overStdio } }),
  },
  'claude-code': { title: 'Claude Code', where: '.mcp.json in the project', snippet: (url) => ({ mcpServers: { meshwork: overHttp(url) } }) },
  cursor: {
    title: 'Cursor',
    where: '.cursor/mcp.json in the project',
    snippet: (url) => ({ mcpServers: { meshwork: { url, headers: { Authorization: `Bearer \${env:MESHWORK_KEY}` } } } }),
  },
  vscode: {
    title: 'VS Code',
    where: '.vscode/mcp.json in the project',
    snippet: (url) => ({ servers: { meshwork: { type: 'http', url, headers: { Authorization: `Bearer \${env:MESHWORK_KEY}` } } } }),
  },
  windsurf: {
    title: 'Windsurf',
    where: 'mcp_config.json (Settings, MCP Servers)',
    snippet: (url) => ({ mcpServers: { meshwork: { serverUrl: url, headers: { Authorization: `Bearer \${env:MESHWORK_KEY}` } } } }),
  },
  generic: { title: 'any MCP host', where: "the host's mcpServers configuration", snippet: (url) => ({ mcpServers: { meshwork: overHttp(url) } }) },
};

/** Prints what an MCP host needs to reach this hub. Keys stay placeholders. */
export function install(context: CommandContext, client: string, { dryRun = false }: { readonly dryRun?: boolean }): ExitCode {
  const host = Object.hasOwn(hosts, client) ? hosts[client] : undefined;
  if (host === undefined) throw usageError(`there is no client ${JSON.stringify(client)}; known are ${Object.keys(hosts).join(', ')}`);
  if (!dryRun) throw usageError('this version prints the snippet and does not edit files of other programs; add --dry-run');
  const snippet = host.snippet(context.url);
  context.print({ client, where: host.where, config: snippet }, () => `For ${host.title}, in ${host.where}:\n\n${JSON.stringify(snippet, undefined, 2)}`);
  return exitCodes.ok;
}
