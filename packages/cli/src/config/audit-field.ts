import { resolve } from 'node:path';
import { type CheckpointPlace, filePlace, httpPlace, type Retention } from '@meshwork/audit';
import { z } from 'zod';
import { longDuration, longDurationMs } from './long-duration.ts';

/** The part of the configuration file that says what becomes of the audit log. */
export const auditField = z
  .strictObject({
    origin: z
      .string()
      .regex(/^[^\s+]{1,200}$/, 'must have 1 to 200 characters without spaces or "+"')
      .optional()
      .describe("The name of the log's key; it is fixed when the key is made, at the first checkpoint. Default meshwork-audit."),
    checkpointEvery: longDuration.optional().describe('How often a checkpoint is signed, such as 10m. Default 10m.'),
    checkpointFiles: z.array(z.string().min(1)).max(10).optional().describe('Files that each checkpoint is added to; best on another disk.'),
    checkpointUrls: z
      .array(z.url({ protocol: /^https?$/ }))
      .max(10)
      .optional()
      .describe('Addresses each checkpoint is sent to with HTTP PUT.'),
    retention: z
      .strictObject({
        maxAge: longDuration.optional().describe('Records older than this are dropped, such as 365d.'),
        maxRecords: z.int().min(1).optional().describe('All but so many of the newest records are dropped.'),
      })
      .optional()
      .describe('What is dropped once all files and addresses have a checkpoint of it. Default: nothing.'),
  })
  .optional();

/** What a hub does with its audit log. */
export interface AuditSettings {
  readonly origin: string;
  readonly everyMs: number;
  readonly places: readonly CheckpointPlace[];
  readonly retention: Retention | undefined;
}

/** What the file says, with the defaults. Relative paths start from `cwd`. */
export function auditSettingsOf(config: z.infer<typeof auditField>, cwd: string): AuditSettings {
  const { origin = 'meshwork-audit', checkpointEvery = '10m', checkpointFiles = [], checkpointUrls = [], retention } = config ?? {};
  const files = checkpointFiles.map((file) => filePlace(resolve(cwd, file)));
  const kept = retention && {
    ...(retention.maxAge !== undefined && { maxAgeMs: longDurationMs(retention.maxAge) }),
    ...(retention.maxRecords !== undefined && { maxRecords: retention.maxRecords }),
  };
  return { origin, everyMs: longDurationMs(checkpointEvery), places: [...files, ...checkpointUrls.map((url) => httpPlace({ url }))], retention: kept };
}
