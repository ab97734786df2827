import { access, constants } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import type { Config } from '../config/config-schema.ts';
import { loadConfig } from '../config/load-config.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { createHubFetch } from '../login/hub-fetch.ts';
import { probe } from '../probe.ts';
import type { RemoteHub } from '../remote-hub.ts';
import { readEncryptionKeys } from '../store/encryption.ts';
import { isSharedStore, openStore } from '../store/open-store.ts';
import { parseStoreUrl } from '../store/store-url.ts';
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
    ...(await storeFinding(context, config)),
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

/** Whether the store answers that hubs share, and is fit for them. It is only looked at. One that is in a file is its hub's alone. */
async function storeFinding({ io }: CommandContext, file: string | undefined): Promise<Finding[]> {
  const check = 'store';
  const config: Config = file === undefined ? {} : await loadConfig(resolve(io.cwd, file), io.env).catch(() => ({}));
  const said = io.env.MESHWORK_STORE || config.store;
  if (said === undefined) return [];
  try {
    const url = parseStoreUrl(said, io.cwd);
    if (!isSharedStore(url)) return [{ check, state: 'ok', detail: url.shown }];
    const encryptWith = io.env.MESHWORK_ENCRYPT_WITH || config.encryptWith;
    const keys = encryptWith === undefined ? undefined : await readEncryptionKeys(encryptWith, io.env, io.cwd);
    const { store } = await openStore(url, { keys, waitMs: STORE_PATIENCE_MS, readOnly: true });
    await store.close();
    return [{ check, state: 'ok', detail: `${url.shown} answers` }];
  } catch (error) {
    const isNew = error instanceof CliError && error.code === 'NOT_FOUND';
    return [{ check, state: isNew ? 'warn' : 'fail', detail: isNew ? `it answers; ${error.message}` : (error as Error).message }];
  }
}

/** Milliseconds in which a server should have answered. */
const STORE_PATIENCE_MS = 5_000;

async function server(context: CommandContext): Promise<Finding[]> {
  const shown = await credentialFinding(context);
  const way = await connection(context);
  if (way.state === 'fail') return [shown, way, { check: 'server', state: 'fail', detail: 'was not asked: there is no connection' }];
  try {
    // Looking at a hub is no reason to get wider scopes.
    await using hub = await context.connect({ mayWiden: false });
    const tools = await hub.tools();
    const reached: Finding = { check: 'server', state: 'ok', detail: `${hub.url} answers, ${tools.length} tools` };
    return [shown, way, reached, await health(hub), ...(await mainBoard(hub)), await chain(hub)];
  } catch (error) {
    if (error instanceof CliError && (error.code === 'UNAUTHENTICATED' || /^LOGIN_/.test(error.code)))
      return [shown.state === 'fail' ? shown : { check: shown.check, state: 'fail', detail: wrongKey(error, shown, context.url) }, way];
    if (error instanceof CliError && error.exitCode !== exitCodes.unreachable) return [shown, way, { check: 'access', state: 'fail', detail: error.message }];
    return [shown, way, { check: 'server', state: 'fail', detail: (error as Error).message }];
  }
}

/** Whether there is a way to the hub at all, before anybody asks who is there. */
async function connection(context: CommandContext): Promise<Finding> {
  const check = 'connection';
  const found = await probe(context.url, await context.identity());
  if (found.state === 'closed') return { check, state: 'fail', detail: found.why };
  if (found.state === 'plain') return { check, state: 'ok', detail: 'open, in plain text' };
  const days = Math.floor((found.endsAt.getTime() - Date.now()) / 86_400_000);
  return { check, state: days < SOON_DAYS ? 'warn' : 'ok', detail: `open, ${found.protocol}; the certificate is good for ${days} days` };
}

/** Days before the end of a certificate in which somebody should renew it. */
const SOON_DAYS = 14;

/** What the commands show the hub, if anything. */
async function credentialFinding(context: CommandContext): Promise<Finding> {
  try {
    const credential = await context.credential();
    if (credential.by === 'nothing') return { check: 'key', state: 'warn', detail: 'none; pass --key or set MESHWORK_KEY' };
    if (credential.by !== 'login') return { check: 'key', state: 'ok', detail: 'found' };
    const { checkLogin } = await import('../login/check-login.ts');
    return { check: 'login', ...(await checkLogin(credential.login, context.url, { hubFetch: createHubFetch(await context.identity()) })) };
  } catch (error) {
    if (error instanceof CliError && /^LOGIN_/.test(error.code)) return { check: 'login', state: 'fail', detail: error.message };
    throw error;
  }
}

function wrongKey({ message }: CliError, { check, state }: Finding, url: string): string {
  return check === 'key' && state === 'warn'
    ? `none, and the hub at ${url} needs one; pass --key or set MESHWORK_KEY to the key "meshwork agent add" printed, or log in with "meshwork login"`
    : message;
}

/** What the hub itself says an operator should do. */
async function health(hub: RemoteHub): Promise<Finding> {
  const check = 'health';
  try {
    const { status, warnings } = (await hub.read('health://hub')) as { status?: unknown; warnings?: readonly string[] };
    if (warnings !== undefined) return { check, state: 'fail', detail: warnings.join('; ') };
    return { check, state: status === 'healthy' ? 'ok' : 'warn', detail: String(status) };
  } catch (error) {
    return { check, state: 'warn', detail: `the hub does not say how it is: ${(error as Error).message}` };
  }
}

/** How the board everybody has does, and which of its peers are away. A hub need not have one. */
async function mainBoard(hub: RemoteHub): Promise<Finding[]> {
  const check = 'board main';
  try {
    const { keys, members, peers } = (await hub.read('blackboard://main')) as unknown as BoardFacts;
    const away = peers.filter(({ is_reached }) => !is_reached);
    const size = `${keys} keys, ${members.length === 1 ? '1 member' : `${members.length} members`}`;
    if (away.length === 0) return [{ check, state: 'ok', detail: size }];
    return [
      { check, state: 'warn', detail: `${size}; ${away.map(({ peer, reason }) => `${peer} is away: ${reason ?? 'it was not reached yet'}`).join('; ')}` },
    ];
  } catch (error) {
    if (error instanceof CliError && error.code === 'NOT_FOUND') return [];
    return [{ check, state: 'warn', detail: `the hub does not say how it does: ${(error as Error).message}` }];
  }
}

interface BoardFacts {
  readonly keys: number;
  readonly members: readonly unknown[];
  readonly peers: readonly { readonly peer: string; readonly is_reached: boolean; readonly reason?: string }[];
}

async function chain(hub: RemoteHub): Promise<Finding> {
  const { structuredContent, isError } = await hub.callRaw('audit_verify', {}).catch((error: unknown) => {
    if (error instanceof CliError && error.code === 'DENIED') return { structuredContent: undefined, isError: true };
    throw error;
  });
  if (isError) return { check: 'audit log', state: 'warn', detail: 'only an admin key can verify it' };
  const { ok, records, problem } = structuredContent as { ok: boolean; records: number; problem?: { message: string } };
  return { check: 'audit log', state: ok ? 'ok' : 'fail', detail: ok ? `${records} records, the chain holds` : (problem?.message ?? 'the chain is broken') };
}
