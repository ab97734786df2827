import { type Clock, redactSecrets, systemClock } from '@meshwork/core';
import { type Logger as PinoLogger, type LoggerOptions as PinoOptions, pino } from 'pino';
import type { LogFields, Logger, LogLevelName } from './log.ts';
import { type LogTarget, openDestination } from './log-destination.ts';
import { pinoLevels, toPinoLevel } from './log-level.ts';
import { escapeSteering } from './printable.ts';
import { seedLine } from './seed-line.ts';

export interface LoggerOptions {
  /** DEBUG, INFO, WARNING, ERROR, CRITICAL, or one of pino's, in any case. Default INFO. */
  readonly level?: string;
  /** `seed`: `[2026-01-31 10:00:00] [INFO] [mcp.server] message key=value`; `json`: pino's lines with an ISO time and the logger's name. Default `seed`. */
  readonly format?: 'seed' | 'json';
  /** Default `stderr`, which is right for every face: over stdio, stdout belongs to the protocol. */
  readonly destination?: LogTarget;
  /** The name of the root logger, before the dot of its children. Default `mcp`. */
  readonly name?: string;
  readonly clock?: Clock;
  /** Called when lines cannot be written, such as on a full disk. Default: nobody is told. */
  readonly onError?: (error: unknown) => void;
}

/** A logger, and its end. */
export interface RootLogger extends Logger, AsyncDisposable {
  /** Writes out what waits, and closes a file. */
  close(): Promise<void>;
}

/**
 * Makes a logger on pino. Meshwork's keys and tokens are replaced wherever they stand in a line, and characters that would end the line or
 * steer a terminal are escaped, so that nobody forges one.
 *
 * @throws {TypeError} when the level is none, and the system's error when the file cannot be opened.
 * @example
 * const logger = createLogger({ level: 'INFO', destination: 'stderr' });
 * logger.child('server').info('Agent desktop-claude connected');
 */
export function createLogger(options: LoggerOptions = {}): RootLogger {
  const { format = 'seed', destination = 'stderr', name = 'mcp', clock = systemClock, onError = () => {} } = options;
  const level = toPinoLevel(options.level ?? 'info');
  const target = openDestination(destination, onError);
  const lineOf = format === 'seed' ? seedLine : (json: string) => escapeSteering(json.trimEnd());
  const settings: PinoOptions = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
    formatters: { level: (label) => ({ level: label }), log: keepReserved },
  };
  // pino flushes after a critical line: the process may be about to end.
  const stream = { write: (json: string) => void target.write(`${lineOf(redactSecrets(json))}\n`), flushSync: () => target.flush() };
  const root = pino(settings, stream);
  const close = () => target.close();
  return { ...named(root, name), close, [Symbol.asyncDispose]: close };
}

function named(root: PinoLogger, name: string): Logger {
  const logger = root.child({ logger: name });
  const at = (level: LogLevelName) => (message: string, fields?: LogFields) => logger[pinoLevels[level]]({ ...fields }, message);
  return {
    isEnabled: (level) => logger.isLevelEnabled(pinoLevels[level]),
    debug: at('debug'),
    info: at('info'),
    warning: at('warning'),
    error: at('error'),
    critical: at('critical'),
    child: (part) => named(root, `${name}.${part}`),
  };
}

const RESERVED = ['time', 'level', 'logger', 'msg'];

/** A field must not stand in for what the logger itself says: of two equal keys in JSON, readers take the last. */
function keepReserved(fields: Record<string, unknown>): Record<string, unknown> {
  if (!RESERVED.some((key) => key in fields)) return fields;
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [RESERVED.includes(key) ? `${key}_` : key, value]));
}
