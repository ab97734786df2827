import type { Clock, Connection, KeyValueStore } from '@meshwork/core';
import { digestOf } from '../secret.ts';
import { LONGEST_TOKEN } from '../strict-jwt.ts';
import type { AgentKeyBook } from './agent-key-book.ts';
import type { SessionKeys } from './session-keys.ts';
import { LONGEST_SESSION_MS, type Session, signSession, TOLERANCE_S, verifySession } from './session-token.ts';

/** Sessions, and who holds the token of one. */
export interface SessionBook {
  issue(session: Session): Promise<string>;
  /** The session of a token, where it holds now and on this connection. */
  sessionOf(token: string, connection: Pick<Connection, 'channelBinding'>): Promise<Session | undefined>;
  /** Ends a session: at once on this hub, within 5 seconds on others that share the store. */
  end(sessionId: string): Promise<void>;
  /** Looks everything up again: a key or an agent has gone. */
  forgetVerified(): void;
}

export interface SessionBookOptions {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly audience: string;
  readonly keys: SessionKeys;
  readonly agentKeys: Pick<AgentKeyBook, 'list'>;
}

interface Verified {
  readonly session: Session;
  /** When key and revocation were last looked up, in milliseconds; and after how many changes. */
  readonly checkedAt: number;
  readonly changes: number;
}

const ENDED = 'guardian/session-end/';
const CACHE_SIZE = 10_000;
const RECHECK_MS = 5_000;

export function createSessionBook({ store, clock, audience, keys, agentKeys }: SessionBookOptions): SessionBook {
  /** By the digest of the token. A token has one text, so it is here once. */
  const verified = new Map<string, Verified>();
  let changes = 0;
  const forgetVerified = () => {
    changes += 1;
  };
  const stillHolds = async ({ id, agent, kid, keyId }: Session) => {
    const [ended, known] = await Promise.all([store.get(ENDED + id), agentKeys.list(agent)]);
    return ended === undefined && known.some((key) => key.kid === kid && key.id === keyId);
  };
  const remember = (digest: string, found: Verified) => {
    if (verified.size >= CACHE_SIZE) verified.clear();
    verified.set(digest, found);
  };
  const lookUp = async (token: string): Promise<Session | undefined> => {
    const digest = digestOf(token);
    const now = clock.now();
    const hit = verified.get(digest);
    // A session that was opened or seen here is over when it says so; the tolerance is for tokens that other hubs signed.
    if (hit !== undefined && now >= hit.session.expiresAt * 1_000) return undefined;
    if (hit !== undefined && hit.changes === changes && now >= hit.checkedAt && now < hit.checkedAt + RECHECK_MS) return hit.session;
    const before = changes;
    const session = hit === undefined ? await verifySession(token, audience, keys, now) : hit.session;
    const holds = session !== undefined && (await stillHolds(session));
    if (!holds) return undefined;
    // What ended while it was being looked up is looked up again.
    remember(digest, { session, checkedAt: now, changes: before });
    return session;
  };

  return {
    async issue(session) {
      const token = await signSession(session, audience, keys);
      remember(digestOf(token), { session, checkedAt: Number.NEGATIVE_INFINITY, changes });
      return token;
    },
    async sessionOf(token, { channelBinding }) {
      if (token.length > LONGEST_TOKEN || !COMPACT.test(token)) return undefined;
      const session = await lookUp(token);
      return session?.channel === undefined || session.channel === channelBinding ? session : undefined;
    },
    async end(sessionId) {
      await store.put(ENDED + sessionId, { ended: true }, { ttlMs: LONGEST_SESSION_MS + 2 * TOLERANCE_S * 1_000 });
      forgetVerified();
    },
    forgetVerified,
  };
}

/** Enough to tell it from a key without reading it. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
