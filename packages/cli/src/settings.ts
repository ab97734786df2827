import { resolve } from 'node:path';
import { usageError } from './cli-error.ts';
import { type Config, durationMs } from './config/config-schema.ts';
import { durationOption } from './duration.ts';
import { type TlsFlags, type TlsSettings, tlsSettingsOf } from './network-settings.ts';
import { isProfileName, plainProfile, profiles } from './profiles.ts';
import { parseStoreUrl, type StoreUrl } from './store/store-url.ts';

/** The flags of `up` that settings come from. */
export interface SettingFlags extends TlsFlags {
  readonly profile?: string;
  readonly host?: string;
  readonly port?: string;
  readonly wsPort?: string;
  readonly data?: string;
  readonly store?: string;
  readonly storeWait?: string;
  readonly encryptWith?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
  readonly insecure?: boolean;
}

/** What a hub runs with, wherever each part was said. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly webSocketPort: number | undefined;
  readonly data: string;
  /** Absent: the database in the data folder. */
  readonly store: StoreUrl | undefined;
  /** How long a store that is away is waited for. */
  readonly storeWaitMs: number;
  /** Where the keys are that the store is encrypted with: `env:NAME` or `file:PATH`. */
  readonly encryptWith: string | undefined;
  readonly requireAuth: boolean;
  /** Absent: plain text. */
  readonly tls: TlsSettings | undefined;
  /** A key from the environment that opens the door beside those the hub made. */
  readonly seedKey: string | undefined;
  readonly keyHeaders: readonly string[];
  readonly log: { readonly level: string; readonly format: 'seed' | 'json'; readonly file: string | undefined };
}

interface Sources {
  readonly flags: SettingFlags;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config: Config;
  readonly cwd: string;
}

const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];
const SHORTEST_SEED_KEY = 16;

/** Pure: flags before the environment before the configuration file before the profile. @throws {CliError} that names what is wrong. */
export function settingsOf({ flags, env, config, cwd }: Sources): Settings {
  // An empty variable is one that is not set.
  const variable = (name: string) => env[name] || undefined;
  const profileName = flags.profile ?? variable('MESHWORK_PROFILE') ?? config.profile;
  if (profileName !== undefined && !isProfileName(profileName))
    throw usageError(`there is no profile ${JSON.stringify(profileName)}; there are ${Object.keys(profiles).join(' and ')}`);
  const profile = profileName === undefined ? plainProfile : profiles[profileName];
  const host = flags.host ?? variable('MCP_HOST') ?? config.host ?? '127.0.0.1';
  const requireAuth = booleanOf('REQUIRE_AUTH', variable('REQUIRE_AUTH')) ?? config.requireAuth ?? true;
  if (!requireAuth && !isLoopbackHost(host) && flags.insecure !== true)
    throw usageError(
      `without keys a hub listens on this machine only, not on ${host}; leave REQUIRE_AUTH at true, or add --insecure if you know who can reach it`,
    );
  const seedKey = variable('SARTOR_API_KEY');
  if (seedKey !== undefined && (seedKey.length < SHORTEST_SEED_KEY || /\s/.test(seedKey)))
    throw usageError(`SARTOR_API_KEY must have at least ${SHORTEST_SEED_KEY} characters and no spaces, or it can be guessed`);
  const webSocketPort = portOf('--ws-port', flags.wsPort) ?? config.webSocketPort ?? ('webSocketPort' in profile ? profile.webSocketPort : undefined);
  return {
    host,
    port: portOf('--port', flags.port) ?? portOf('MCP_PORT', variable('MCP_PORT')) ?? config.port ?? profile.port,
    webSocketPort,
    data: resolve(cwd, flags.data ?? variable('MESHWORK_DATA') ?? config.data ?? '.meshwork'),
    store: storeOf(flags.store ?? variable('MESHWORK_STORE') ?? config.store, cwd),
    storeWaitMs: flags.storeWait === undefined ? durationMs(config.storeWait ?? '30s') : durationOption('--store-wait', flags.storeWait),
    encryptWith: flags.encryptWith ?? variable('MESHWORK_ENCRYPT_WITH') ?? config.encryptWith,
    requireAuth,
    tls: tlsSettingsOf({ flags, config, cwd }),
    seedKey,
    keyHeaders: (config.keyHeaders ?? profile.keyHeaders).map((name) => name.toLowerCase()),
    log: {
      level: levelOf(flags.logLevel ?? variable('MCP_LOG_LEVEL') ?? config.log?.level ?? 'INFO'),
      format: formatOf(flags.logFormat ?? variable('MCP_LOG_FORMAT') ?? config.log?.format ?? 'seed'),
      file: config.log?.file === undefined ? undefined : resolve(cwd, config.log.file),
    },
  };
}

function storeOf(text: string | undefined, cwd: string): StoreUrl | undefined {
  return text === undefined ? undefined : parseStoreUrl(text, cwd);
}

export function isLoopbackHost(host: string): boolean {
  return ['127.0.0.1', '::1', 'localhost'].includes(host);
}

function portOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw usageError(`${name} must be a number from 0 to 65535, not ${JSON.stringify(text)}`);
  return port;
}

function booleanOf(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (/^(true|1|yes)$/i.test(text)) return true;
  if (/^(false|0|no)$/i.test(text)) return false;
  throw usageError(`${name} must be true or false, not ${JSON.stringify(text)}`);
}

function levelOf(text: string): string {
  const level = text.toUpperCase();
  if (!LEVELS.includes(level)) throw usageError(`the log level must be one of ${LEVELS.join(', ')}, not ${JSON.stringify(text)}`);
  return level;
}

function formatOf(text: string): 'seed' | 'json' {
  if (text !== 'seed' && text !== 'json') throw usageError(`the log format must be seed or json, not ${JSON.stringify(text)}`);
  return text;
}
