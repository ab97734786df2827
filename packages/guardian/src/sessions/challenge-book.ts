import { type Clock, ConflictError, type JsonObject, type KeyValueStore, LimitedError } from '@meshwork/core';
import { encodeBase64url } from '../base64url.ts';
import { digestOf } from '../secret.ts';

/** A challenge an agent has not answered yet. */
interface OpenChallenge {
  readonly audience: string;
  /** The channel binding of the connection that asked; empty when it has none. */
  readonly channel: string;
}

/** Why an answer cannot be to an open challenge. */
export type LostChallenge = 'replay' | 'expired' | 'unknown-nonce';

/** Nonces that are good once, for 30 seconds, for the agent that asked, on whichever hub of the store is answered. */
export interface ChallengeBook {
  /** Makes a nonce of 32 random bytes, in base64url. @throws {LimitedError} when the agent has eight that are not answered. */
  issue(agent: string, challenge: OpenChallenge): Promise<{ readonly nonce: string; readonly expiresAt: number }>;
  /** Uses a nonce up. Of any number of takers, on any number of hubs, one gets the challenge. */
  take(agent: string, nonce: string): Promise<OpenChallenge | LostChallenge>;
}

interface Kept extends OpenChallenge {
  readonly digest: string;
  readonly issuedAt: number;
}

/** One record for each agent, so that a single compare-and-set counts and takes. */
interface ChallengesRecord {
  readonly open: readonly Kept[];
  readonly used: readonly Pick<Kept, 'digest' | 'issuedAt'>[];
}

const PREFIX = 'guardian/challenge/';
const TTL_MS = 30_000;
const SKEW_MS = 5_000;
const MOST_OPEN = 8;
/** Used ones are remembered only to tell a replay from a guess; forgotten ones are refused all the same. */
const MOST_USED = 32;

export function createChallengeBook({ store, clock }: { readonly store: KeyValueStore; readonly clock: Clock }): ChallengeBook {
  const change = async <Result>(
    agent: string,
    edit: (record: ChallengesRecord, now: number) => { readonly record?: ChallengesRecord; readonly result: Result },
  ) => {
    for (;;) {
      const entry = await store.get(PREFIX + agent);
      const before = (entry?.value as unknown as ChallengesRecord | undefined) ?? { open: [], used: [] };
      const { record, result } = edit(before, clock.now());
      if (record === undefined) return result;
      try {
        await store.put(PREFIX + agent, record as unknown as JsonObject, { expected: entry?.revision ?? 0, ttlMs: TTL_MS + SKEW_MS });
        return result;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  };

  return {
    async issue(agent, { audience, channel }) {
      const nonce = encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
      const issuedAt = await change(agent, ({ open, used }, now) => {
        const waiting = open.filter((each) => isTimely(each, now));
        if (waiting.length >= MOST_OPEN) {
          const retryAfterMs = Math.max(1, Math.min(...waiting.map((each) => each.issuedAt)) + TTL_MS - now);
          throw new LimitedError(`${agent} has ${MOST_OPEN} challenges that are not answered, the most there can be; answer one, or wait until one expires`, {
            retryAfterMs,
          });
        }
        const kept: Kept = { digest: digestOf(nonce), audience, channel, issuedAt: now };
        return { record: { open: [...waiting, kept], used: used.filter((each) => isTimely(each, now)) }, result: now };
      });
      return { nonce, expiresAt: issuedAt + TTL_MS };
    },
    take(agent, nonce) {
      const digest = digestOf(nonce);
      return change<OpenChallenge | LostChallenge>(agent, ({ open, used }, now) => {
        const found = open.find((each) => each.digest === digest);
        if (found === undefined) return { result: used.some((each) => each.digest === digest) ? 'replay' : 'unknown-nonce' };
        const record: ChallengesRecord = {
          open: open.filter((each) => each !== found),
          used: [...used, { digest, issuedAt: found.issuedAt }].slice(-MOST_USED),
        };
        return { record, result: isTimely(found, now) ? { audience: found.audience, channel: found.channel } : 'expired' };
      });
    },
  };
}

/** A challenge from the future is one from before the clock was set back: nobody knows how old it is. */
function isTimely({ issuedAt }: Pick<Kept, 'issuedAt'>, now: number): boolean {
  return now < issuedAt + TTL_MS && now >= issuedAt - SKEW_MS;
}
