import type { Retention, WebhookOptions } from '@meshwork/events';
import { createGuardedFetch } from '@meshwork/transports/outbound';
import { z } from 'zod';
import { usageError } from '../cli-error.ts';
import { longDuration, longDurationMs } from './long-duration.ts';

const retention = z.strictObject({
  maxAge: longDuration.optional().describe('Events, and dead letters, older than this are dropped, such as 30d.'),
  maxEvents: z.int().min(1).optional().describe('All but so many of the newest events, and of the dead letters of each subscription, are dropped.'),
});

const webhooks = z.strictObject({
  allowPrivateHosts: z
    .array(z.string().min(1))
    .max(100)
    .optional()
    .describe('Receivers that are not public: host names, addresses, networks (CIDR). Hosts and addresses may use http. Default none.'),
  timeout: longDuration.optional().describe('How long a receiver has to answer, up to 5m. Default 20s.'),
  retry: z
    .array(longDuration)
    .min(1)
    .max(50)
    .optional()
    .describe('Waits after each failed attempt; after the last one the event is a dead letter. Default 5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h.'),
  disableAfter: longDuration.optional().describe('A webhook without one success for so long is disabled. Default 5d.'),
});

/** The part of the configuration file that says how events are kept and delivered. */
export const eventsField = z
  .strictObject({
    retention: z
      .union([z.literal(false), retention])
      .optional()
      .describe('How much is kept; false: everything. Default: 30d, at most 1000000 events.'),
    webhooks: z
      .union([z.literal(false), webhooks])
      .optional()
      .describe('How events are sent to URLs; false: not at all. Default: to public https addresses.'),
  })
  .optional();

/** How a hub keeps and delivers events. */
export interface EventsSettings {
  readonly retention: Retention | undefined;
  /** Absent: there are none. */
  readonly webhooks: WebhookOptions | undefined;
}

const LONGEST_TIMEOUT_MS = 300_000;

/** What the file says, with the defaults. @throws {CliError} that says what in the section `events` cannot be. */
export function eventsSettingsOf(config: z.infer<typeof eventsField>): EventsSettings {
  const { retention: kept = { maxAge: '30d', maxEvents: 1_000_000 }, webhooks: sent = {} } = config ?? {};
  return { retention: kept === false ? undefined : retentionOf(kept), webhooks: sent === false ? undefined : webhooksOf(sent) };
}

function retentionOf({ maxAge, maxEvents }: z.infer<typeof retention>): Retention {
  return { ...(maxAge !== undefined && { maxAgeMs: longDurationMs(maxAge) }), ...(maxEvents !== undefined && { maxEvents }) };
}

function webhooksOf({ allowPrivateHosts = [], timeout = '20s', retry, disableAfter }: z.infer<typeof webhooks>): WebhookOptions {
  const timeoutMs = longDurationMs(timeout);
  if (timeoutMs > LONGEST_TIMEOUT_MS) throw usageError(`events.webhooks.timeout in the configuration is ${timeout}; it may be 5m at most`);
  try {
    return {
      fetch: createGuardedFetch({ allow: allowPrivateHosts, timeoutMs }),
      timeoutMs,
      ...(retry !== undefined && { retryMs: retry.map(longDurationMs) }),
      ...(disableAfter !== undefined && { disableAfterMs: longDurationMs(disableAfter) }),
    };
  } catch (error) {
    if (error instanceof TypeError) throw usageError(`events.webhooks.allowPrivateHosts in the configuration: ${error.message}`);
    throw error;
  }
}
