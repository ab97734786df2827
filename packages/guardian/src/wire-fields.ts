import { z } from 'zod';

const notAKeyword = (value: string) => value !== '__proto__';

export const agentIdField = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z 0-9 . _ - and start with a letter or digit')
  .describe('The agent the permission is for.');

export const tokenField = z.string().min(1).max(512).refine(notAKeyword, 'is not a token').describe('The permission token, as request_permission gave it.');

export const boundToField = z
  .string()
  .regex(/^(?:jkt|x5t#S256):[\w-]{43}$/, 'must be jkt: or x5t#S256: and the thumbprint of a key or a certificate')
  .describe('For whoever guards a resource: the key or certificate that the presenter of the token has proved to you.');

export const scopeField = z
  .string()
  .regex(/^[A-Za-z0-9_.:/*-]{1,200}$/, 'must be 1 to 200 of A-Z a-z 0-9 _ . : / * -')
  .refine(notAKeyword, 'is not a scope')
  .describe('What part of the resource, such as read:invoices. The whole of it when left out.');

export const justificationField = z
  .string()
  .trim()
  .min(1, 'must say why, in at least one word')
  .max(2_000, 'must be at most 2,000 characters')
  .refine(notAKeyword, 'must say why, in words')
  .describe('Why, for the people who read the record. It is never part of the decision.');

/** The known resource types as an enumeration, so that callers see them in the tool list. */
export function resourceTypeField(names: readonly string[]) {
  return z.enum(names as [string, ...string[]], { error: () => `must be one of ${names.join(', ')}` }).describe('What the permission is for.');
}
