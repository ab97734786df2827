import { z } from 'zod';
import { anomaliesField } from './anomalies-field.ts';
import { auditField } from './audit-field.ts';
import { boardsField } from './boards-field.ts';
import { eventsField } from './events-field.ts';
import { limitsSchema } from './limits-schema.ts';
import { certificateFields, networkFields } from './network-fields.ts';
import { oauthField } from './oauth-schema.ts';
import { peersField } from './peers-field.ts';

const duration = z.string().regex(/^\d+(ms|s|m|h)$/, 'must be a number with ms, s, m or h, as in 5m');

/** The configuration file. Every field may be left out. */
export const configSchema = z
  .strictObject({
    $schema: z.string().optional(),
    profile: z.enum(['guardian', 'gateway']).optional().describe('Ports and headers to begin with. Without one: everything on port 3001.'),
    host: z.string().min(1).optional().describe('Address to listen on. Default 127.0.0.1.'),
    port: z.int().min(0).max(65_535).optional().describe('Port to listen on; 0 picks a free one. Default 3001; gateway: 8080.'),
    webSocketPort: z.int().min(0).max(65_535).optional().describe('A port for WebSockets alone, beside the upgrade on the port. Default none; guardian: 3002.'),
    requireAuth: z.boolean().optional().describe('Whether callers need a key. Default true; false is for this machine only.'),
    keyHeaders: z
      .array(z.string().regex(/^[A-Za-z0-9-]{1,64}$/))
      .optional()
      .describe('Headers a key may come in, beside Authorization. Default X-API-Key.'),
    log: z
      .strictObject({
        level: z.string().optional().describe('DEBUG, INFO, WARNING, ERROR or CRITICAL. Default INFO.'),
        format: z.enum(['seed', 'json']).optional().describe('seed: lines for people; json: one object a line. Default seed.'),
        file: z.string().min(1).optional().describe('A file to write to. Default: standard error.'),
      })
      .optional(),
    data: z.string().min(1).optional().describe('Folder for the database and the admin key. Default .meshwork.'),
    store: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Where everything is kept: sqlite:./data, memory:, postgres://user@host/database. Default: SQLite in the data folder. Write a password as a variable of the environment.',
      ),
    encryptWith: z
      .string()
      .regex(/^(env|file):./, 'must be env:NAME or file:PATH')
      .optional()
      .describe('Where the keys are that values in the store are encrypted with: env:NAME or file:PATH. Default: values are not encrypted.'),
    storeWait: duration.optional().describe('How long a store that is away is waited for when the hub starts. Default 30s.'),
    allowedHosts: z.array(z.string().min(1)).optional().describe('Host names this hub answers to, beside loopback names and its own address.'),
    allowedOrigins: z.array(z.url()).optional().describe('Web origins whose pages may call this hub, beside loopback ones.'),
    ...networkFields,
    oauth: oauthField,
    maxBodyBytes: z.int().min(1_024).max(67_108_864).optional().describe('Largest request body. Default 1048576.'),
    limits: limitsSchema.optional().describe('How often callers may come.'),
    audit: auditField.describe('What becomes of the audit log.'),
    events: eventsField.describe('How events are kept and delivered.'),
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter or a digit')
      .optional()
      .describe('What this hub is called among those that share boards. Default the name of the machine.'),
    boards: boardsField.describe('The boards that agents share, by name; false: none. Default one board, main.'),
    peers: peersField.describe('Hubs that share boards with this one.'),
    instructions: z.string().max(10_000).optional().describe('Text for the models that use this hub.'),
    guardian: z
      .strictObject({
        grantTtl: duration.optional().describe('How long a grant lasts, such as 5m.'),
        trustedNetworks: z.array(z.string()).optional().describe('Networks whose callers are in the trusted zone, in CIDR notation.'),
        ...certificateFields,
        resourceTypes: z
          .array(z.strictObject({ name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/), everyday: z.boolean().default(false), remote: z.boolean().default(false) }))
          .min(1)
          .optional()
          .describe('What may be asked for. Default: SAP_API, FINANCIAL_API, EXTERNAL_SERVICE, DATA_EXPORT.'),
        audience: z
          .string()
          .regex(/^[\x21-\x7e]{1,256}$/)
          .optional()
          .describe(
            'What agents that sign in with a key pair know this hub by: a name no other hub has. Default: its address, as in http://127.0.0.1:3001/mcp.',
          ),
        sessionTtl: duration.optional().describe('How long a session lasts, up to 15m. Default 5m.'),
        anomalies: anomaliesField,
        policies: z.array(z.string().min(1)).min(1).optional().describe('Files with Cedar policies that take the place of the standard ones.'),
      })
      .optional(),
  })
  .describe('Configuration of a Meshwork hub.');

export type Config = z.infer<typeof configSchema>;

/** Milliseconds of a duration such as `5m`. */
export function durationMs(text: string): number {
  const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  const [, amount, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  return Number(amount) * (units[unit ?? 'ms'] ?? 1);
}

/** The file's JSON Schema, as published beside the program. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input' });
}
