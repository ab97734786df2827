import { type AnyTool, DeniedError, type IdSource, InvalidInputError, type KeyValueStore, type OpenedWith, type Principal } from '@meshwork/core';
import type { SteadyTime } from '../steady-time.ts';
import type { AgentKeyBook } from './agent-key-book.ts';
import { createChallengeBook, type LostChallenge } from './challenge-book.ts';
import { challengeBytes } from './challenge-text.ts';
import { isSignedBy } from './ed25519-key.ts';
import { HandshakeError } from './handshake-error.ts';
import { createKeySeal } from './key-seal.ts';
import { createSessionBook, type SessionBook } from './session-book.ts';
import { createSessionKeys } from './session-keys.ts';
import { LONGEST_SESSION_MS, type Session, type SessionTerms, TOLERANCE_S } from './session-token.ts';
import { createSessionTools } from './session-tools.ts';

export interface SessionsOptions {
  /**
   * What agents know this hub by, such as the URL they call: 1 to 256 visible characters. It is in every signature and every token; hubs that
   * share a store share it, and no two others should.
   */
  readonly audience: string;
  /** How long a session lasts, in milliseconds: 1,000 to 900,000 (15 minutes). Default 300,000. */
  readonly ttlMs?: number;
  /** Opens sessions on TLS connections with a channel binding only, each good on its own connection alone. Default false: as the agent chooses. */
  readonly requireChannelBinding?: boolean;
}

export interface SessionEvents {
  'session-opened': (event: { readonly sessionId: string; readonly agent: string; readonly kid: string; readonly expiresAt: string }) => void;
  'session-refused': (event: { readonly agent: string; readonly reason: SessionRefusal }) => void;
  'session-ended': (event: { readonly sessionId: string; readonly agent: string }) => void;
}

/** Why an answer to a challenge was refused. The caller is told of `replay` only. */
export type SessionRefusal = LostChallenge | 'other-audience' | 'other-channel' | 'unknown-key' | 'bad-signature';

/** Session tokens, as an application handles them. */
export interface Sessions {
  /** Makes a key that signs from now on; tokens signed before hold until they expire. Gives its name. */
  rotateKey(): Promise<{ readonly kid: string }>;
  /** Ends a session by its id: at once on this hub, within 5 seconds on others that share the store. */
  end(sessionId: string): Promise<void>;
}

/** The same, and what the guardian wires into itself. */
export interface OwnSessions extends Sessions, Pick<SessionBook, 'sessionOf' | 'forgetVerified'> {
  readonly tools: readonly AnyTool[];
}

export interface SessionParts {
  readonly store: KeyValueStore;
  readonly clock: SteadyTime;
  readonly ids: IdSource;
  readonly agentKeys: AgentKeyBook;
  /** Told who has proved its key just now, with which credential and from where, and the session this opened. */
  readonly onProved: (principal: Principal, sessionId: string) => void;
  /** The hub's pepper, which the keys that sign are sealed with. */
  readonly pepper?: Uint8Array | undefined;
  /** Called when a session has ended before its time, with its agent where that is known. */
  readonly onEnded: (agent: string | undefined) => void;
  readonly tell: <Name extends keyof SessionEvents>(name: Name, event: Parameters<SessionEvents[Name]>[0]) => void;
}

const AUDIENCE = /^[\x21-\x7e]{1,256}$/;

export function createSessions(options: SessionsOptions, parts: SessionParts): OwnSessions {
  const { store, clock, ids, agentKeys, pepper, onEnded, onProved, tell } = parts;
  const { audience, ttlMs = 300_000, requireChannelBinding = false } = options;
  if (!AUDIENCE.test(audience))
    throw new TypeError(`the audience ${JSON.stringify(audience)} must be 1 to 256 visible ASCII characters, such as the hub's URL`);
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1_000 || ttlMs > LONGEST_SESSION_MS)
    throw new TypeError(`sessions.ttlMs is ${ttlMs}; it must be a whole number of milliseconds from 1,000 to ${LONGEST_SESSION_MS}`);
  const keys = createSessionKeys({
    store,
    clock,
    longestLifeMs: LONGEST_SESSION_MS + TOLERANCE_S * 1_000,
    seal: pepper === undefined ? undefined : createKeySeal(pepper),
  });
  const book = createSessionBook({ store, clock, audience, keys, agentKeys });
  const challenges = createChallengeBook({ store, clock });

  const end = async (sessionId: string, agent?: string) => {
    await book.end(sessionId);
    onEnded(agent);
  };
  const refuse = (agent: string, reason: SessionRefusal): HandshakeError => {
    tell('session-refused', { agent, reason });
    return reason === 'replay'
      ? new HandshakeError('REPLAYED', 'this challenge was answered before; ask for a new one (auth_challenge)')
      : new HandshakeError('CHALLENGE_FAILED', 'the answer opens no session; ask for a new challenge (auth_challenge) and sign it as its answer says');
  };
  const tools = createSessionTools({
    audience,
    async challenge(principal, expected) {
      const agent = agentOf(principal);
      if (expected !== undefined && expected !== audience)
        throw new InvalidInputError(`this hub is ${JSON.stringify(audience)}, not ${JSON.stringify(expected)}; sign nothing for it if you meant the other`);
      clock.requireSure();
      const { nonce, expiresAt } = await challenges.issue(agent, { audience, channel: principal.channelBinding ?? '' });
      return { nonce, expiresAt, kids: (await agentKeys.list(agent)).map(({ kid }) => kid) };
    },
    async respond(principal, { nonce, kid, signature, channelBound }) {
      const agent = agentOf(principal);
      clock.requireSure();
      // First of all the nonce is used up: whatever comes after, nobody gets to try a second answer to it.
      const taken = await challenges.take(agent, nonce);
      if (typeof taken === 'string') throw refuse(agent, taken);
      if (taken.audience !== audience) throw refuse(agent, 'other-audience');
      const channel = channelBound ? (principal.channelBinding ?? '') : '';
      if ((channelBound || requireChannelBinding) && (channel === '' || channel !== taken.channel)) throw refuse(agent, 'other-channel');
      const key = (await agentKeys.list(agent)).find((known) => known.kid === kid);
      if (key === undefined) throw refuse(agent, 'unknown-key');
      if (!(await isSignedBy(key.x, signature, challengeBytes({ audience, agentId: agent, kid, nonce, channel })))) throw refuse(agent, 'bad-signature');
      const issuedAt = Math.floor(clock.now() / 1_000);
      const openedWith = openedWithOf(principal);
      const expiresAt = Math.min(issuedAt + Math.floor(ttlMs / 1_000), Math.floor((openedWith.expiresAt ?? Number.POSITIVE_INFINITY) / 1_000));
      if (expiresAt <= issuedAt) throw new DeniedError('the credential of this call ends now, and a session with it; call with another');
      const session: Session = {
        id: ids('ses'),
        agent,
        kid,
        keyId: key.id,
        issuedAt,
        expiresAt,
        terms: termsOf(principal),
        ...(channelBound && { channel }),
        openedWith,
      };
      const token = await book.issue(session);
      onProved(principal, session.id);
      const endsAt = expiresAt * 1_000;
      tell('session-opened', { sessionId: session.id, agent, kid, expiresAt: new Date(endsAt).toISOString() });
      return { token, expiresAt: endsAt, expiresInMs: endsAt - clock.now() };
    },
    async end(principal) {
      const { method, credentialId } = principal;
      if (method !== 'session' || credentialId === undefined)
        throw new InvalidInputError('this call came with no session token: there is no session to end; call with the token of the session');
      await end(credentialId, principal.id);
      tell('session-ended', { sessionId: credentialId, agent: principal.id });
    },
  });

  return {
    tools,
    sessionOf: book.sessionOf,
    forgetVerified: book.forgetVerified,
    async rotateKey() {
      clock.requireSure();
      return keys.rotate();
    },
    end: (sessionId) => end(sessionId),
  };
}

function termsOf({ owner, organisation, scopes }: Principal): SessionTerms {
  return { ...(owner !== undefined && { owner }), ...(organisation !== undefined && { organisation }), ...(scopes !== undefined && { scopes }) };
}

/** A session that is opened with another rests on what that one rests on. */
function openedWithOf({ method, credentialId, expiresAt, openedWith }: Principal): OpenedWith {
  if (openedWith !== undefined) return openedWith;
  const keyId = method === 'api-key' ? credentialId : undefined;
  return { method, ...(keyId !== undefined && { keyId }), ...(expiresAt !== undefined && { expiresAt }) };
}

/** Sessions are for agents, each for itself: whose it is comes from the credential of the call, never from an argument. */
function agentOf({ id, kind }: Principal): string {
  if (kind !== 'agent') throw new DeniedError('sessions are for agents: call with the key of the agent whose session it is to be');
  return id;
}
