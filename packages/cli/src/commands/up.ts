import { resolve } from 'node:path';
import { type Principal, zoneTrust } from '@meshwork/core';
import { type HubLog, type Logger, logHub } from '@meshwork/telemetry';
import { createLogger, type LogTarget } from '@meshwork/telemetry/logger';
import { serveHttp, serveStdio, serveWebSocket } from '@meshwork/transports';
import { createDoorLimits } from '@meshwork/transports/limits';
import { withoutKeys } from '../authenticators.ts';
import { type Config, durationMs } from '../config/config-schema.ts';
import { doorLimitsOf, limitRulesOf } from '../config/limits-schema.ts';
import { loadConfig } from '../config/load-config.ts';
import { type DataFolder, dataFolder } from '../data-folder.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { readKeyPepper } from '../key-pepper.ts';
import { callerRulesOf, certificateRulesOf, watchTls } from '../network-settings.ts';
import { entranceOf } from '../oauth-door.ts';
import { isLoopbackHost, type SettingFlags, type Settings, settingsOf } from '../settings.ts';
import { type RunningHub, startHub } from '../start-hub.ts';

export interface UpOptions extends SettingFlags {
  readonly config?: string;
  readonly stdio?: boolean;
  readonly agent?: string;
  readonly json?: boolean;
}

/** Runs a hub until somebody stops it. */
export async function up(options: UpOptions, io: Io): Promise<ExitCode> {
  const config = options.config === undefined ? {} : await loadConfig(resolve(io.cwd, options.config), io.env);
  const settings = settingsOf({ flags: options, env: io.env, config, cwd: io.cwd });
  const stopped = untilStopped(io);
  try {
    await using logger = createLogger({ level: settings.log.level, format: settings.log.format, destination: logTarget(settings, io) });
    const folder = dataFolder(settings.data);
    await using running = await start(folder, settings, config, io, logger);
    using log = logHub(running.hub, logger);
    if (options.stdio) return await serveOnStdio(running, { agent: options.agent ?? 'local-agent', logger, stopped: stopped.promise }, io);
    return await serveOnHttp(running, { folder, config, settings, logger, log, json: options.json ?? false, stopped: stopped.promise }, io);
  } finally {
    // Not before everything is closed: a signal that nobody listens to ends the process where it stands.
    stopped.release();
  }
}

/** Never standard output: it belongs to the protocol, or to whoever reads where the hub listens. */
function logTarget({ log }: Settings, io: Io): LogTarget {
  return log.file ?? { write: (line) => io.err(line) };
}

async function start(folder: DataFolder, { seedKey, host, port, tls }: Settings, config: Config, io: Io, logger: Logger): Promise<RunningHub> {
  const rules = config.guardian;
  const pepper = await readKeyPepper(io.env, io.cwd);
  const limits = limitRulesOf(config.limits ?? {}, durationMs);
  return startHub({
    folder,
    guardian: {
      ...certificateRulesOf(config, tls?.caFile !== undefined),
      sessions: {
        audience: rules?.audience ?? `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}/mcp`,
        ...(rules?.sessionTtl !== undefined && { ttlMs: durationMs(rules.sessionTtl) }),
      },
      ...(rules?.grantTtl !== undefined && { grantTtlMs: durationMs(rules.grantTtl) }),
      ...(rules?.trustedNetworks !== undefined && { trustedNetworks: rules.trustedNetworks }),
      ...(rules?.resourceTypes !== undefined && { resourceTypes: rules.resourceTypes }),
      ...(rules?.policies !== undefined && { policyFiles: rules.policies.map((file) => resolve(io.cwd, file)) }),
      ...(seedKey !== undefined && { givenKeys: [{ key: seedKey, agent: 'sartor' }] }),
      ...(pepper !== undefined && { pepper }),
    },
    ...(config.instructions !== undefined && { instructions: config.instructions }),
    ...(limits !== undefined && { limits }),
    onError: (error) => reportTo(logger, error),
  });
}

interface HttpRun {
  readonly folder: DataFolder;
  readonly config: Config;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly log: HubLog;
  readonly json: boolean;
  readonly stopped: Promise<void>;
}

async function serveOnHttp({ hub, guardian, audit, metrics, presence, closing, madeAdminKey }: RunningHub, run: HttpRun, io: Io): Promise<ExitCode> {
  const { folder, config, settings, log, json, stopped } = run;
  const logger = run.logger.child('server');
  const { host, port, webSocketPort, requireAuth, keyHeaders } = settings;
  const { tls, source } = await watchTls(settings.tls, (error) =>
    logger.error('The new certificates cannot be used; the old ones stay', { why: error.message }),
  );
  using _certificates = source;
  source?.onChange(() => logger.info('New certificates are in use'));
  const { authenticator, ...metadata } = entranceOf(guardian, config.oauth);
  const door = {
    host,
    authenticator: requireAuth ? authenticator : withoutKeys(authenticator, { onThisMachineOnly: isLoopbackHost(host) }),
    ...metadata,
    keyHeaders,
    ...callerRulesOf(config),
    ...(tls !== undefined && { tls }),
    meter: metrics,
    presence,
    closing,
    log,
    recorder: audit.door,
    doorLimits: createDoorLimits(doorLimitsOf(config.limits ?? {})),
    ...(config.allowedHosts !== undefined && { allowedHosts: config.allowedHosts }),
    ...(config.allowedOrigins !== undefined && { allowedOrigins: config.allowedOrigins }),
    onError: (error: unknown) => reportTo(logger, error),
  };
  const { maxBodyBytes, maxConnections } = config;
  await using server = await serveHttp(hub, {
    ...door,
    port,
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    ...(maxConnections !== undefined && { maxConnections }),
  });
  await using sockets = webSocketPort === undefined ? undefined : await serveWebSocket(hub, { ...door, port: webSocketPort });
  if (!isLoopbackHost(host) && tls === undefined)
    logger.warning(
      'Keys and calls on this port can be read on the way: pass --tls-cert and --tls-key ("meshwork certs" makes them for a trial), or put a TLS proxy in front and name it in trustedProxies',
      { host },
    );
  if (!requireAuth)
    logger.warning(
      isLoopbackHost(host)
        ? 'No key is asked for: whoever runs a program on this machine may do anything here'
        : 'No key is asked for: whoever has none is nobody, and may do what the policies let nobody do',
    );
  const urls = { url: server.url, ...(sockets !== undefined && { webSocketUrl: sockets.url }) };
  logger.info('The hub takes calls', urls);
  io.out(json ? `${JSON.stringify({ ...urls, adminKeyFile: folder.adminKeyFile })}\n` : welcome(urls, folder, madeAdminKey));
  await stopped;
  logger.info('The hub stops');
  if (!json) io.out('\nstopping\n');
  return exitCodes.ok;
}

function reportTo(logger: Logger, error: unknown): void {
  logger.error(
    error instanceof Error ? error.message : String(error),
    error instanceof Error && error.cause !== undefined ? { cause: String(error.cause) } : {},
  );
}

function welcome({ url, webSocketUrl }: { url: string; webSocketUrl?: string }, { path, adminKeyFile }: DataFolder, madeAdminKey: boolean): string {
  return [
    `A guarded hub is running at ${url}`,
    ...(webSocketUrl === undefined ? [] : [`  WebSockets    ${webSocketUrl}`]),
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

interface StdioRun {
  readonly agent: string;
  readonly logger: Logger;
  readonly stopped: Promise<void>;
}

/** Serves the one client that started this process, as an agent of its own. The process owner vouches for it. */
async function serveOnStdio({ hub, guardian, audit }: RunningHub, { agent, logger, stopped }: StdioRun, io: Io): Promise<ExitCode> {
  if ((await guardian.agents.get(agent)) === undefined) await guardian.agents.add({ name: agent });
  const principal: Principal = { id: agent, kind: 'agent', roles: [], zone: 'local', trust: zoneTrust.local, method: 'process-owner', actsFor: [] };
  const server = await serveStdio(hub, {
    principal,
    recorder: audit.door,
    onError: (error) => reportTo(logger.child('server'), error),
  });
  io.err(`meshwork: serving ${agent} on standard input and output\n`);
  await Promise.race([server.closed, stopped]);
  await server.close();
  return exitCodes.ok;
}

/** Signals this close together are one: Ctrl-C reaches every process of a terminal, and those that started this one pass it on besides. */
const SAME_STOP_MS = 1_000;

/** Resolves at the first request to stop; a second one ends the process at once. */
function untilStopped(io: Io): { readonly promise: Promise<void>; release(): void } {
  const { promise, resolve: stop } = Promise.withResolvers<void>();
  let askedAt: number | undefined;
  const release = io.onStop(() => {
    const now = performance.now();
    if (askedAt !== undefined && now - askedAt >= SAME_STOP_MS) process.exit(130);
    askedAt ??= now;
    stop();
  });
  return { promise, release };
}
