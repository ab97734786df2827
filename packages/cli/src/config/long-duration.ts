import { z } from 'zod';

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration in the configuration file that may be days long, such as `30d`. */
export const longDuration = z.string().regex(/^[1-9]\d{0,8}[smhd]$/, 'must be a number with s, m, h or d, as in 30d');

/** Its milliseconds. */
export function longDurationMs(text: string): number {
  return Number(text.slice(0, -1)) * (units[text.slice(-1)] ?? 1);
}
