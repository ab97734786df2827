import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

/** Counts points by key, in windows that begin with a key's first point. */
export interface Limiter {
  /** Takes one point. Resolves with `undefined` when there was one, else with the milliseconds until there are some again. */
  take(key: string): Promise<number | undefined>;
  /** Gives one back that was taken for nothing. */
  giveBack(key: string): Promise<void>;
  /** What `take` would say, without taking. */
  look(key: string): Promise<number | undefined>;
}

export interface LimiterOptions {
  /** How many points a key has in each window: a whole number from 1 on. */
  readonly points: number;
  /** Milliseconds a window lasts. */
  readonly perMs: number;
}

/** A limiter of `rate-limiter-flexible` as the rest of this package sees it. */
export function limiterOf(limiter: RateLimiterAbstract, { points }: LimiterOptions): Limiter {
  return {
    take: (key) => limiter.consume(key).then(() => undefined, waitOf),
    giveBack: async (key) => void (await limiter.reward(key)),
    async look(key) {
      const present = await limiter.get(key);
      return present !== null && present.consumedPoints >= points && present.msBeforeNext > 0 ? Math.ceil(present.msBeforeNext) : undefined;
    },
  };
}

/** Keys of one memory limiter, at most. */
const MAX_KEYS = 50_000;
/** What all keys beyond share, in points of one key: room for honest newcomers while somebody comes from everywhere. */
const SHARED_FACTOR = 100;

/**
 * Counts in this process's memory, and never more than `maxKeys` keys in a window (default 50,000): whoever comes after them shares points
 * with the others that do, so that a caller with endless addresses fills no memory.
 */
export function createMemoryLimiter(options: LimiterOptions & { readonly maxKeys?: number }): Limiter {
  const { points, perMs, maxKeys = MAX_KEYS } = options;
  const duration = perMs / 1_000;
  const each = new RateLimiterMemory({ points, duration });
  const single = limiterOf(each, options);
  const rest = limiterOf(new RateLimiterMemory({ points: points * SHARED_FACTOR, duration }), { ...options, points: points * SHARED_FACTOR });
  // Counts how many keys began their window in the present one.
  const newcomers = new RateLimiterMemory({ points: maxKeys, duration });
  let crowded = false;
  const limiterFor = async (key: string): Promise<Limiter> => (crowded && (await each.get(key)) === null && (await isCrowded()) ? rest : single);
  const isCrowded = async () => {
    const present = await newcomers.get(ALL);
    crowded = present !== null && present.consumedPoints >= maxKeys && present.msBeforeNext > 0;
    return crowded;
  };
  const countNewcomer = async () => {
    crowded = (await newcomers.penalty(ALL)).consumedPoints >= maxKeys;
    return undefined;
  };
  const taken = ({ isFirstInDuration }: RateLimiterRes) => (isFirstInDuration ? countNewcomer() : undefined);
  // Not `async`: every call takes points, and each step of waiting costs as much as the counting.
  const takeOwn = (key: string) => each.consume(key).then(taken, waitOf);
  return {
    take: (key) => (crowded ? limiterFor(key).then((limiter) => (limiter === rest ? rest.take(ALL) : takeOwn(key))) : takeOwn(key)),
    giveBack: async (key) => {
      const limiter = await limiterFor(key);
      await limiter.giveBack(limiter === rest ? ALL : key);
    },
    look: async (key) => {
      const limiter = await limiterFor(key);
      return limiter.look(limiter === rest ? ALL : key);
    },
  };
}

const ALL = 'all';

function waitOf(refusal: unknown): number {
  if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext));
  throw refusal;
}
