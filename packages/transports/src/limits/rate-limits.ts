import { hash } from 'node:crypto';
import { createTeller, type KeyValueStore, LimitedError, type Listenable, type Module, type Principal, type Stage, type StageStep } from '@meshwork/core';
import { defaultLimitRules, type LimitRule, subjectOf, wordsOf } from './limit-rules.ts';
import { createMemoryLimiter, type Limiter } from './limiter.ts';
import { createSharedLimiter } from './shared-limiter.ts';

export interface RateLimitsOptions {
  /** All of them hold at once. Default {@link defaultLimitRules}. */
  readonly rules?: readonly LimitRule[];
  /** Where several hubs count together, with the keys that begin with `limits/`. Default: each counts in its memory. */
  readonly store?: KeyValueStore;
  /** Calls that no limit counts, such as those by which hubs exchange what they share. Default none. */
  readonly isExempt?: (step: StageStep) => boolean;
  /** Is told when the store is away; hubs count alone meanwhile. */
  readonly onError?: (error: unknown) => void;
}

export interface LimitEvents {
  /** A limit refused a principal for the first time in this window, on this hub; it is told at most once. */
  'limit-reached': (event: { readonly limit: string; readonly principal: Principal; readonly retryAfterMs: number }) => void;
}

/** The module, and what it tells. */
export interface RateLimits extends Module {
  readonly events: Listenable<LimitEvents>;
}

interface Limit {
  readonly rule: LimitRule;
  readonly name: string;
  readonly limiter: Limiter;
}

/**
 * The stage that refuses callers who call too often, on whatever face: `LIMITED` with `retryAfterMs`, which REST answers as 429 with
 * `Retry-After`. Counted are calls that name something there is, with arguments that fit, by ids that were verified: another key of the same
 * caller, another spelling of its id or another address of its /64 begins nothing anew. A call that one limit refuses takes nothing from the
 * others.
 *
 * @throws {TypeError} when a rule's numbers are not whole and positive.
 */
export function rateLimits({ rules = defaultLimitRules, store, isExempt = () => false, onError }: RateLimitsOptions = {}): RateLimits {
  const { events, tell } = createTeller<LimitEvents>(onError);
  const isFirst = oncePerWindow();
  const limits = rules.map((rule, index): Limit => {
    checkRule(rule);
    const { points, perMs } = rule;
    const name = wordsOf(rule);
    if (store === undefined) return { rule, name, limiter: createMemoryLimiter({ points, perMs }) };
    // Hubs with other rules count apart, and those with the same together, wherever these stand.
    const place = rules.slice(0, index).filter((other) => wordsOf(other) === name).length;
    const prefix = `limits/${hash('sha256', JSON.stringify([rule.by, rule.of ?? {}, points, perMs, place]), 'base64url').slice(0, 22)}`;
    return { rule, name, limiter: createSharedLimiter({ points, perMs, store, prefix, ...(onError !== undefined && { onError }) }) };
  });

  const limit: Stage = async (step, next) => {
    if (isExempt(step)) return next();
    const taken: { readonly limiter: Limiter; readonly subject: string }[] = [];
    for (const [index, { rule, name, limiter }] of limits.entries()) {
      const found = subjectOf(rule, step);
      if (found === undefined) continue;
      // An id may be longer than a key.
      const subject = found.length > LONGEST ? hash('sha256', found, 'base64url') : found;
      const waitMs = await limiter.take(subject);
      if (waitMs === undefined) {
        taken.push({ limiter, subject });
        continue;
      }
      for (const each of taken) await each.limiter.giveBack(each.subject);
      const { principal } = step.call;
      if (isFirst(`${index} ${principal.kind} ${principal.id}`, waitMs)) tell('limit-reached', { limit: name, principal, retryAfterMs: waitMs });
      const reason = `the limit of ${name} is used up`;
      step.call.decisions.push({ by: 'limits', effect: 'deny', policies: [], reason });
      throw new LimitedError(`${reason}; try again in ${Math.ceil(waitMs / 1_000)} seconds`, { retryAfterMs: waitMs, details: { limit: name } });
    }
    return next();
  };
  return { name: 'rate-limits', stages: { limit }, events };
}

const LONGEST = 200;
/** Refused principals that are remembered; of those beyond, nothing is told. */
const REMEMBERED = 10_000;

/** True once for a name, until so many milliseconds have passed: so that a flood of refusals is no flood of events. */
function oncePerWindow(): (name: string, forMs: number) => boolean {
  const until = new Map<string, number>();
  let sweptAt = 0;
  return (name, forMs) => {
    const now = Date.now();
    if ((until.get(name) ?? 0) > now) return false;
    if (until.size >= REMEMBERED && !until.has(name)) {
      if (Math.abs(now - sweptAt) < 1_000) return false;
      sweptAt = now;
      for (const [each, end] of until) if (end <= now) until.delete(each);
      if (until.size >= REMEMBERED) return false;
    }
    until.set(name, now + forMs);
    return true;
  };
}

function checkRule({ by, points, perMs }: LimitRule): void {
  for (const [field, value] of Object.entries({ points, perMs }))
    if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`${field} of a limit must be a whole number from 1 on, not ${value}`);
  if (by.length === 0) throw new TypeError('a limit must say by what it counts');
}
