import type { LogLevelName } from './log.ts';

/** pino's names of ours. */
export const pinoLevels = { debug: 'debug', info: 'info', warning: 'warn', error: 'error', critical: 'fatal' } as const satisfies Record<LogLevelName, string>;

/** The seed's names of pino's. */
export const seedLevels: Readonly<Record<string, string>> = { debug: 'DEBUG', info: 'INFO', warn: 'WARNING', error: 'ERROR', fatal: 'CRITICAL' };

const accepted: Readonly<Record<string, string>> = { ...pinoLevels, trace: 'trace', warn: 'warn', fatal: 'fatal', silent: 'silent' };

/**
 * The level of this name as pino calls it: DEBUG, INFO, WARNING, ERROR, CRITICAL or one of pino's own, in any case.
 *
 * @throws {TypeError} when it is none.
 */
export function toPinoLevel(name: string): string {
  const level = Object.hasOwn(accepted, name.toLowerCase()) ? accepted[name.toLowerCase()] : undefined;
  if (level === undefined) throw new TypeError(`${JSON.stringify(name)} is no log level; take one of ${Object.keys(accepted).join(', ')}`);
  return level;
}
