import { resolve } from 'node:path';
import { MeshworkError, type Principal, zoneTrust } from '@meshwork/core';
import { serveHttp, serveStdio } from '@meshwork/transports';
import { usageError } from '../cli-error.ts';
import { type Config, durationMs } from '../config/config-schema.ts';
import { loadConfig } from '../config/load-config.ts';
import { type DataFolder, dataFolder } from '../data-folder.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { type RunningHub, startHub } from '../start-hub.ts';

export interface UpOptions {
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly config?: string;
  readonly stdio?: boolean;
  readonly agent?: string;
  readonly json?: boolean;
}

/** Runs a hub until somebody stops it. */
export async function up(options: UpOptions, io: Io): Promise<ExitCode> {
  const config = options.config === undefined ? {} : await loadConfig(resolve(io.cwd, options.config), io.env);
  const folder = dataFolder(resolve(io.cwd, options.data ?? (io.env.MESHWORK_DATA || undefined) ?? config.data ?? '.meshwork'));
  const port = portOf(options.port, config);
  const running = await start(folder, config, io);
  try {
    if (options.stdio) return await serveOnStdio(running, options.agent ?? 'local-agent', io);
    return await serveOnHttp(running, { folder, config, host: options.host ?? config.host ?? '127.0.0.1', port, json: options.json ?? false }, io);
  } finally {
    await running.close();
  }
}

function portOf(option: string | undefined, config: Config): number {
  if (option === undefined) return config.port ?? 3001;
  const port = Number(option);
  if (!/^\d+$/.test(option) || port > 65_535) throw usageError(`--port must be a number from 0 to 65535, not ${JSON.stringify(option)}`);
  return port;
}

function start(folder: DataFolder, config: Config, io: Io): Promise<RunningHub> {
  const rules = config.guardian;
  return startHub({
    folder,
    ...(rules !== undefined && {
      guardian: {
        ...(rules.grantTtl !== undefined && { grantTtlMs: durationMs(rules.grantTtl) }),
        ...(rules.trustedNetworks !== undefined && { trustedNetworks: rules.trustedNetworks }),
        ...(rules.resourceTypes !== undefined && { resourceTypes: rules.resourceTypes }),
        ...(rules.policies !== undefined && { policyFiles: rules.policies.map((file) => resolve(io.cwd, file)) }),
      },
    }),
    ...(config.instructions !== undefined && { instructions: config.instructions }),
    onError: (error) => io.err(`meshwork: ${error instanceof Error ? error.message : String(error)}\n`),
  });
}

interface HttpRun {
  readonly folder: DataFolder;
  readonly config: Config;
  readonly host: string;
  readonly port: number;
  readonly json: boolean;
}

async function serveOnHttp({ hub, guardian, madeAdminKey }: RunningHub, { folder, config, host, port, json }: HttpRun, io: Io): Promise<ExitCode> {
  const stopped = untilStopped(io);
  try {
    await using server = await serveHttp(hub, {
      host,
      port,
      authenticator: guardian.authenticator,
      ...(config.allowedHosts !== undefined && { allowedHosts: config.allowedHosts }),
      ...(config.allowedOrigins !== undefined && { allowedOrigins: config.allowedOrigins }),
      ...(config.maxBodyBytes !== undefined && { maxBodyBytes: config.maxBodyBytes }),
      onError: (error) => io.err(`meshwork: ${error instanceof Error ? error.message : String(error)}\n`),
    });
    if (!['127.0.0.1', '::1', 'localhost'].includes(host))
      io.err('meshwork: this version has no TLS; let only networks you trust reach this port, or put a TLS proxy in front\n');
    io.out(json ? `${JSON.stringify({ url: server.url, adminKeyFile: folder.adminKeyFile })}\n` : welcome(server.url, folder, madeAdminKey));
    await stopped.promise;
    if (!json) io.out('\nstopping\n');
    return exitCodes.ok;
  } finally {
    stopped.release();
  }
}

function welcome(url: string, { path, adminKeyFile }: DataFolder, madeAdminKey: boolean): string {
  return [
    `A guarded hub is running at ${url}`,
    `  data folder   ${path}`,
    `  admin key     ${madeAdminKey ? 'made now and stored' : 'stored'} in ${adminKeyFile} (only you can read it)`,
    '',
    'Next, in another terminal in this folder, add an agent and note its key:',
    '  npx meshwork agent add data_analyst',
    '',
    'Ctrl-C stops the hub; everything it granted and recorded is there when it starts again.',
    '',
  ].join('\n');
}

/** Serves the one client that started this process, as an agent of its own. The process owner vouches for it. */
async function serveOnStdio({ hub, guardian }: RunningHub, agent: string, io: Io): Promise<ExitCode> {
  if ((await guardian.agents.get(agent)) === undefined) await guardian.agents.add({ name: agent });
  const principal: Principal = { id: agent, kind: 'agent', roles: [], zone: 'local', trust: zoneTrust.local, method: 'process-owner', actsFor: [] };
  const stopped = untilStopped(io);
  const server = await serveStdio(hub, {
    principal,
    onError: (error) => io.err(`meshwork: ${MeshworkError.isInstance(error) ? error.message : String(error)}\n`),
  });
  io.err(`meshwork: serving ${agent} on standard input and output\n`);
  await Promise.race([server.closed, stopped.promise]);
  stopped.release();
  await server.close();
  return exitCodes.ok;
}

/** Resolves at the first request to stop; a second one ends the process at once. */
function untilStopped(io: Io): { readonly promise: Promise<void>; release(): void } {
  const { promise, resolve: stop } = Promise.withResolvers<void>();
  let asked = false;
  const release = io.onStop(() => {
    if (asked) process.exit(130);
    asked = true;
    stop();
  });
  return { promise, release };
}
