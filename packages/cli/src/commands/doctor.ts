import { access, constants } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { loadConfig } from '../config/load-config.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { RemoteHub } from '../remote-hub.ts';
import { table } from '../table.ts';

interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
}

/** Looks at everything a hub and its callers need, and says what to do about what is wrong. */
export async function doctor(context: CommandContext, { config }: { readonly config?: string }): Promise<ExitCode> {
  const findings = [
    nodeVersion(),
    await dataAccess(context),
    ...(config === undefined ? [] : [await configuration(context, config)]),
    ...(await server(context)),
  ];
  const failed = findings.some(({ state }) => state === 'fail');
  context.print({ ok: !failed, findings }, () =>
    table(
      ['check', 'state', 'detail'],
      findings.map(({ check, state, detail }) => [check, state, detail]),
    ),
  );
  if (!failed) return exitCodes.ok;
  return findings.some(({ check, state }) => check === 'server' && state === 'fail') ? exitCodes.unreachable : exitCodes.refused;
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > 22 || (major === 22 && minor >= 18);
  return { check: 'node', state: fits ? 'ok' : 'fail', detail: fits ? process.version : `${process.version}; install Node 22.18 or newer` };
}

async function dataAccess({ folder }: CommandContext): Promise<Finding> {
  const check = 'data folder';
  try {
    await access(folder.path, constants.R_OK | constants.W_OK);
    return { check, state: 'ok', detail: folder.path };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return {
      check,
      state: missing ? 'warn' : 'fail',
      detail: missing ? `${folder.path} is not there yet; "meshwork up" makes it` : `${folder.path} cannot be written; mend its permissions`,
    };
  }
}

async function configuration({ io }: CommandContext, file: string): Promise<Finding> {
  try {
    await loadConfig(resolve(io.cwd, file), io.env);
    return { check: 'configuration', state: 'ok', detail: file };
  } catch (error) {
    return { check: 'configuration', state: 'fail', detail: (error as Error).message };
  }
}

async function server(context: CommandContext): Promise<Finding[]> {
  const key = await context.key();
  const keyFinding: Finding =
    key === undefined ? { check: 'key', state: 'warn', detail: 'none; pass --key or set MESHWORK_KEY' } : { check: 'key', state: 'ok', detail: 'found' };
  try {
    await using hub = await context.connect();
    const tools = await hub.tools();
    const reached: Finding = { check: 'server', state: 'ok', detail: `${hub.url} answers, ${tools.length} tools` };
    return [keyFinding, reached, await chain(hub)];
  } catch (error) {
    if (error instanceof CliError && error.exitCode !== exitCodes.unreachable) return [{ check: 'key', state: 'fail', detail: error.message }];
    return [keyFinding, { check: 'server', state: 'fail', detail: (error as Error).message }];
  }
}

async function chain(hub: RemoteHub): Promise<Finding> {
  const { structuredContent, isError } = await hub.callRaw('audit_verify', {});
  if (isError) return { check: 'audit log', state: 'warn', detail: 'only an admin key can verify it' };
  const { ok, records, problem } = structuredContent as { ok: boolean; records: number; problem?: { message: string } };
  return { check: 'audit log', state: ok ? 'ok' : 'fail', detail: ok ? `${records} records, the chain holds` : (problem?.message ?? 'the chain is broken') };
}
