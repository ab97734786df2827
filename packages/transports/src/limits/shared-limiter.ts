/// <reference path="./store-abstract.d.ts" />
import { type KeyValueStore, MeshworkError, UnavailableError } from '@meshwork/core';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import RateLimiterStoreAbstract from 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js';
import { type Limiter, type LimiterOptions, limiterOf } from './limiter.ts';

export interface SharedLimiterOptions extends LimiterOptions {
  /** Where hubs count together. */
  readonly store: KeyValueStore;
  /** Begins each of its keys. */
  readonly prefix: string;
  /** Milliseconds the store has to answer; then, and when it fails, this hub counts alone for a second. Default 250. */
  readonly patienceMs?: number;
  /** Is told when the store is away. */
  readonly onError?: (error: unknown) => void;
}

/** Milliseconds for which a store that failed is not asked. */
const AWAY_MS = 1_000;
/** How often a count is tried again that another hub was quicker with. */
const MAX_TRIES = 20;

/**
 * Counts in a store that hubs share. A key that is used up is refused from memory until its window ends; while the store is away each hub
 * counts for itself, from zero.
 */
export function createSharedLimiter(options: SharedLimiterOptions): Limiter {
  const { points, perMs } = options;
  const duration = perMs / 1_000;
  return limiterOf(new StoreLimiter(options, new RateLimiterMemory({ points, duration })), options);
}

interface Count {
  readonly points: number;
  /** Milliseconds since the Unix epoch. */
  readonly until: number;
}

/** The part of `RateLimiterStoreAbstract` a store has to bring: its names are the library's. */
class StoreLimiter extends RateLimiterStoreAbstract {
  readonly #store: KeyValueStore;
  readonly #patienceMs: number;
  readonly #onError: (error: unknown) => void;
  #awayUntil = 0;

  constructor({ points, perMs, store, prefix, patienceMs = 250, onError = () => {} }: SharedLimiterOptions, insuranceLimiter: RateLimiterMemory) {
    super({ storeClient: store, keyPrefix: prefix, points, duration: perMs / 1_000, inMemoryBlockOnConsumed: points + 1, insuranceLimiter });
    this.#store = store;
    this.#patienceMs = patienceMs;
    this.#onError = onError;
  }

  _getRateLimiterRes(_key: string, changed: number, { points, until }: Count): RateLimiterRes {
    // Another hub's clock may differ: nobody waits longer than a window.
    const left = Math.min(Math.max(until - Date.now(), 0), this.duration * 1_000);
    return new RateLimiterRes(Math.max(this.points - points, 0), left, points, points === changed);
  }

  _upsert(key: string, points: number, durationMs: number, force = false): Promise<Count> {
    return this.#ask(() => this.#count(key, points, durationMs, force));
  }

  async _get(key: string): Promise<Count | null> {
    const entry = await this.#ask(() => this.#store.get(key));
    const count = entry?.value as Count | undefined;
    return count !== undefined && count.until > Date.now() ? count : null;
  }

  _delete(key: string): Promise<boolean> {
    return this.#ask(() => this.#store.delete(key));
  }

  async #count(key: string, points: number, durationMs: number, force: boolean): Promise<Count> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const entry = await this.#store.get(key);
      const now = Date.now();
      const present = entry?.value as Count | undefined;
      const goesOn = !force && present !== undefined && present.until > now;
      if (!goesOn && points < 0) return { points: 0, until: now };
      const next: Count = goesOn ? { points: present.points + points, until: present.until } : { points, until: now + durationMs };
      try {
        await this.#store.put(key, { ...next }, { expected: entry?.revision ?? 0, ttlMs: Math.max(1, Math.ceil(next.until - now)) });
        return next;
      } catch (error) {
        if (!MeshworkError.isInstance(error) || error.code !== 'CONFLICT') throw error;
      }
    }
    throw new UnavailableError(`a rate limit could not be counted: other hubs were quicker ${MAX_TRIES} times`);
  }

  /** What the store does, in time; a store that is away is not asked again at once. */
  async #ask<T>(work: () => Promise<T>): Promise<T> {
    if (Date.now() < this.#awayUntil) throw new UnavailableError('the store of the rate limits is away');
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLong = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new UnavailableError('the store of the rate limits does not answer')), this.#patienceMs);
    });
    const asked = work();
    try {
      return await Promise.race([asked, tooLong]);
    } catch (error) {
      asked.catch(() => {});
      this.#awayUntil = Date.now() + AWAY_MS;
      this.#onError(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
