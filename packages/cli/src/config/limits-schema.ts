import type { JsonLimits } from '@meshwork/core';
import type { DoorLimitsOptions, LimitRule } from '@meshwork/transports/limits';
import { z } from 'zod';

const duration = z.string().regex(/^\d+(ms|s|m|h)$/, 'must be a number with ms, s, m or h, as in 1m');
const counted = z.enum(['caller', 'owner', 'organisation', 'address', 'tool', 'category']);
const names = z.array(z.string().min(1).max(64)).min(1).optional();

/** The part of the configuration file that says how often callers may come. */
export const limitsSchema = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        by: z.union([counted, z.array(counted).min(1)]).describe('Whom it counts.'),
        points: z.int().min(1).describe('How many calls.'),
        per: duration.describe('In how long, such as 1m.'),
        of: z
          .strictObject({
            kind: z
              .array(z.enum(['tool', 'resource', 'prompt']))
              .min(1)
              .optional(),
            tool: names,
            category: names,
            role: names,
            zone: z
              .array(z.enum(['local', 'trusted', 'external']))
              .min(1)
              .optional(),
          })
          .optional()
          .describe('Which calls count. Default: all.'),
      }),
    )
    .optional()
    .describe('Limits of calls; [] for none. Default: the zones trusted and external have 100 calls a minute an address, and 50 of tools a caller.'),
  failuresPerMinute: z.int().min(1).optional().describe('Keys that open nothing, from one address. Default 30.'),
  strangersPerMinute: z.int().min(1).optional().describe('Requests without a key that are not let in, from one address. Default 300.'),
  json: z
    .strictObject({
      maxDepth: z.int().min(1).max(64).optional().describe('Arrays and objects inside one another. Default 64.'),
      maxMembers: z.int().min(1).optional().describe('Members of all objects together. Default 10000.'),
      maxValues: z.int().min(1).optional().describe('Values in all arrays and objects together. Default 100000.'),
      maxStringLength: z.int().min(1).optional().describe('Characters of one string or key. Default 262144.'),
    })
    .optional()
    .describe('How deep, wide and long JSON may be that comes in. A message has at most 1 MiB in any case.'),
});

type LimitsConfig = z.infer<typeof limitsSchema>;

/** The rules as the hub takes them; `undefined` when the file says nothing of them. */
export function limitRulesOf({ rules }: LimitsConfig, durationMs: (text: string) => number): readonly LimitRule[] | undefined {
  return rules?.map(({ by, points, per, of }) => ({ by, points, perMs: durationMs(per), ...(of !== undefined && { of: withoutUndefined(of) }) }));
}

/** What the file says of the door. */
export function doorLimitsOf({ failuresPerMinute, strangersPerMinute }: LimitsConfig): DoorLimitsOptions {
  return withoutUndefined({ failuresPerMinute, strangersPerMinute });
}

/** What it says of JSON. */
export function jsonLimitsOf({ json = {} }: LimitsConfig): JsonLimits {
  return withoutUndefined(json);
}

function withoutUndefined<T extends object>(object: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}
