import { usageError } from './cli-error.ts';

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration on the command line, such as `90s`, `15m`, `1h` or `30d`. @throws {CliError} that names the option. */
export function durationOption(option: string, text: string): number {
  const [, amount, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const unitMs = units[unit];
  if (amount === undefined || unitMs === undefined) throw usageError(`${option} must be a number with s, m, h or d, as in 30d, not ${JSON.stringify(text)}`);
  return Number(amount) * unitMs;
}
