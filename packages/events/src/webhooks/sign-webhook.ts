import { InvalidInputError } from '@meshwork/core';
import { fromBase64, toBase64 } from '../base64.ts';

const PREFIX = 'whsec_';

/** A new secret: `whsec_` and the base64 of 32 random bytes (Standard Webhooks, "Signature scheme": 24 to 64). */
export function createWebhookSecret(): string {
  return PREFIX + toBase64(crypto.getRandomValues(new Uint8Array(32)));
}

/**
 * The headers of a request as Standard Webhooks asks: `webhook-id`, `webhook-timestamp` in seconds, and `webhook-signature` with one `v1`
 * signature (HMAC-SHA256 of `id.timestamp.body`) a secret, so that a receiver may still have the old secret while it is replaced.
 */
export async function signWebhook(
  message: { id: string; timeMs: number; body: string },
  secrets: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const timestamp = String(Math.floor(message.timeMs / 1_000));
  const content = new TextEncoder().encode(`${message.id}.${timestamp}.${message.body}`);
  const signatures = await Promise.all(secrets.map(async (secret) => `v1,${toBase64(await hmac(secret, content))}`));
  return { 'webhook-id': message.id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

async function hmac(secret: string, content: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (!secret.startsWith(PREFIX)) throw new InvalidInputError(`a webhook secret begins with ${PREFIX}`);
  const key = await crypto.subtle.importKey('raw', fromBase64(secret.slice(PREFIX.length)), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, content));
}
