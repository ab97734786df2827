import { z } from 'zod';

const mode = z.enum(['step-up', 'record', 'off']);

/** What is done about credentials that are suddenly used from another network, in the configuration file. */
export const anomaliesField = z
  .strictObject({
    apiKeys: mode.optional().describe('API keys without networks of their own. Default record.'),
    sessions: mode.optional().describe('Sessions. Default step-up.'),
    accessTokens: mode.optional().describe('OAuth access tokens that are bound to no key or certificate. Default record.'),
  })
  .optional()
  .describe(
    'What to do when a credential comes from another network or zone than before. record: say so in the audit log. step-up: besides, it only reads there until its agent has signed in from there with its key pair. off: nothing.',
  );
