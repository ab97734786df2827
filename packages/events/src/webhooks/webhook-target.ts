import { InvalidInputError } from '@meshwork/core';

/** Where a subscription's events are sent, and what is known of it. */
export interface WebhookTarget {
  readonly url: string;
  /** The first one signs from now on; the others beside it, until their time. */
  readonly secrets: readonly WebhookSecret[];
  /** `disabled`: nothing is sent until somebody resumes it. */
  readonly status: 'active' | 'disabled';
  /** Why it is disabled. */
  readonly reason?: string;
}

export interface WebhookSecret {
  /** `whsec_` and the base64 of 32 random bytes; where the hub has a pepper, that sealed. */
  readonly secret: string;
  /** Until when it signs, in milliseconds since the Unix epoch; absent: until it is replaced. */
  readonly until?: number;
}

const LONGEST_URL = 2_048;

/** @throws {InvalidInputError} when it is no URL that something could be sent to. */
export function checkWebhookUrl(text: string): void {
  const url = text.length <= LONGEST_URL && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new InvalidInputError('the webhook URL must be one of https, of at most 2,048 characters');
  if (url.username !== '' || url.password !== '')
    throw new InvalidInputError('the webhook URL must hold no user name and no password; requests are signed instead');
}
