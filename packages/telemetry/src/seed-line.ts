import { seedLevels } from './log-level.ts';
import { escapeSteering, quoteName } from './printable.ts';

/** Pure: one JSON line of pino as `[YYYY-MM-DD HH:MM:SS] [LEVEL] [logger.name] message key=value`, in UTC and on one line. */
export function seedLine(json: string): string {
  const { time, level, logger, msg = '', ...fields } = JSON.parse(json) as Record<string, unknown>;
  const at = String(time).slice(0, 19).replace('T', ' ');
  const rest = Object.entries(fields).map(([key, value]) => ` ${quoteName(key)}=${shown(value)}`);
  return escapeSteering(`[${at}] [${seedLevels[String(level)] ?? String(level)}] [${String(logger)}] ${String(msg)}${rest.join('')}`);
}

function shown(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z0-9_.:/@%+,-]+$/.test(value) ? value : JSON.stringify(value);
}
