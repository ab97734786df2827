import { resolve } from 'node:path';
import { type Principal, zoneTrust } from '@meshwork/core';
import type { Guardian } from '@meshwork/guardian';
import { type HubLog, type Logger, logHub } from '@meshwork/telemetry';
import { createLogger, type LogTarget } from '@meshwork/telemetry/logger';
import { serveHttp, serveStdio, serveWebSocket } from '@meshwork/transports';
import { createDoorLimits } from '@meshwork/transports/limits';
import { withoutKeys } from '../authenticators.ts';
import { auditSettingsOf } from '../config/audit-field.ts';
import { boardsSettingsOf } from '../config/boards-field.ts';
import { type Config, durationMs } from '../config/config-schema.ts';
import { eventsSettingsOf } from '../config/events-field.ts';
import { doorLimitsOf, jsonLimitsOf, limitRulesOf } from '../config/limits-schema.ts';
import { loadConfig } from '../config/load-config.ts';
import { peersSettingsOf } from '../config/peers-field.ts';
import { type DataFolder, dataFolder } from '../data-folder.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { readKeyPepper } from '../key-pepper.ts';
import { callerRulesOf, certificateRulesOf, watchTls } from '../network-settings.ts';
import { entranceOf } from '../oauth-door.ts';
import { isLoopbackHost, type SettingFlags, type Settings, settingsOf } from '../settings.ts';
import { type RunningHub, startHub } from '../start-hub.ts';
import { readEncryptionKeys } from '../store/encryption.ts';
import { type OpenedStore, openStore } from '../store/open-store.ts';
import { sqliteUrl } from '../store/store-url.ts';

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
    const store = await openStoreOf(settings, io, { logger: logger.child('store'), stopped: stopped.promise });
    warnOfLosses(store, logger);
    await using running = await start({ folder, settings, config, store, logger }, io);
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

/** Says what is waited for while the server is away; a request to stop ends the waiting. */
async function openStoreOf(settings: Settings, io: Io, { logger, stopped }: { logger: Logger; stopped: Promise<void> }): Promise<OpenedStore> {
  const { encryptWith, storeWaitMs } = settings;
  const store = settings.store ?? sqliteUrl(dataFolder(settings.data).database);
  const keys = encryptWith === undefined ? undefined : await readEncryptionKeys(encryptWith, io.env, io.cwd);
  const waiting = new AbortController();
  void stopped.then(() => waiting.abort());
  return openStore(store, {
    keys,
    waitMs: storeWaitMs,
    signal: waiting.signal,
    onWait: ({ why, leftMs }) =>
      logger.warning('The store is away; the hub waits for it', { store: store.shown, why, seconds_left: Math.ceil(leftMs / 1_000) }),
  });
}

/** What an operator chose, and may not know. */
function warnOfLosses({ store, shown }: OpenedStore, logger: Logger): void {
  if (store.durability === 'process') logger.warning('The store is in memory: grants, keys and the audit log are gone when the hub stops', { store: shown });
  if (store.durability === 'may-lose-acknowledged')
    logger.warning('The store can lose what it acknowledged when its engine crashes or fails over, revocations and audit records too', { store: shown });
}

interface StartParts {
  readonly folder: DataFolder;
  readonly settings: Settings;
  readonly config: Config;
  readonly store: OpenedStore;
  readonly logger: Logger;
}

async function start({ folder, settings, config, store, logger }: StartParts, io: Io): Promise<RunningHub> {
  const { seedKey, host, port, tls } = settings;
  const rules = config.guardian;
  const pepper = await readKeyPepper(io.env, io.cwd);
  const limits = limitRulesOf(config.limits ?? {}, durationMs);
  const running = await startHub({
    folder,
    store,
    guardian: {
      ...certificateRulesOf(config, tls?.caFile !== undefined),
      sessions: {
        audience: rules?.audience ?? `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}/mcp`,
        ...(rules?.sessionTtl !== undefined && { ttlMs: durationMs(rules.sessionTtl) }),
      },
      ...(rules?.grantTtl !== undefined && { grantTtlMs: durationMs(rules.grantTtl) }),
      ...(rules?.anomalies !== undefined && { anomalies: rules.anomalies }),
      ...(rules?.trustedNetworks !== undefined && { trustedNetworks: rules.trustedNetworks }),
      ...(rules?.resourceTypes !== undefined && { resourceTypes: rules.resourceTypes }),
      ...(rules?.policies !== undefined && { policyFiles: rules.policies.map((file) => resolve(io.cwd, file)) }),
      ...(seedKey !== undefined && { givenKeys: [{ key: seedKey, agent: 'sartor' }] }),
      ...(pepper !== undefined && { pepper }),
    },
    audit: auditSettingsOf(config.audit, io.cwd),
    events: eventsSettingsOf(config.events),
    boards: boardsSettingsOf(config.boards),
    peers: await peersSettingsOf(config.peers, io.cwd),
    ...(config.name !== undefined && { name: config.name }),
    ...(config.instructions !== undefined && { instructions: config.instructions }),
    ...(limits !== undefined && { limits }),
    onError: (error) => reportTo(logger, error),
  });
  logGuardian(running.guardian, logger.child('guardian'));
  return running;
}

/** What an operator should hear of at once. */
function logGuardian({ events }: Guardian, logger: Logger): void {
  events.on('credential-moved', ({ principal, credentialId, from, to }) =>
    logger.warning('A credential is used from another network than before', { principal, credentialId, from, to }),
  );
  events.on('clock-jumped', ({ direction, byMs }) => logger.warning('The wall clock has jumped; "meshwork doctor" says what that means', { direction, byMs }));
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

async function serveOnHttp({ hub, guardian, store, audit, metrics, presence, closing, madeAdminKey }: RunningHub, run: HttpRun, io: Io): Promise<ExitCode> {
  const { folder, config, settings, log, json, stopped } = run;
  const logger = run.logger.child('server');
  const { host, port, webSocketPort, requireAuth, keyHeaders } = settings;
  const { tls, source } = await watchTls(settings.tls, (error) =>
    logger.error('The new certificates cannot be used; the old ones stay', { why: error.message }),
  );
  using _certificates = source;
  source?.onChange(() => logger.info('New certificates are in use'));
  const { authenticator, ...metadata } = entranceOf(guardian, store, config.oauth);
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
    jsonLimits: jsonLimitsOf(config.limits ?? {}),
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
