import type { Connection, Principal } from '@meshwork/core';
import type { SessionRefusal, SessionsOptions } from '@meshwork/guardian';
import { type AgentKeyPair, createAgentKey } from '@meshwork/guardian/agent';
import { challengeBytes } from '../src/sessions/challenge-text.ts';
import { from, type World, world } from './hub-with-guardian.ts';

export const audience = 'https://hub.example/mcp';

export interface SessionWorld extends World {
  /** Why answers were refused, in order. */
  readonly refusals: SessionRefusal[];
  /** Adds an agent with a key pair. */
  member(name: string, connection?: Connection): Promise<Member>;
  /** Who a session token says it is, on a connection. */
  who(token: unknown, connection?: Connection): Promise<Principal | undefined>;
}

export interface Member {
  readonly name: string;
  readonly apiKey: string;
  readonly pair: AgentKeyPair;
  readonly principal: Principal;
}

/** A hub with sessions, on memory and a clock that is moved by hand. */
export function sessionWorld({
  sessions,
  ...options
}: Omit<NonNullable<Parameters<typeof world>[0]>, 'sessions'> & { sessions?: Partial<SessionsOptions> } = {}): SessionWorld {
  const made = world({ ...options, sessions: { audience, ...sessions } });
  const refusals: SessionRefusal[] = [];
  made.guard.events.on('session-refused', ({ reason }) => refusals.push(reason));
  const who: SessionWorld['who'] = (token, connection = from.local) => made.guard.authenticator.authenticate(String(token), connection);
  return {
    ...made,
    refusals,
    who,
    async member(name, connection = from.local) {
      const { key: apiKey } = await made.guard.agents.add({ name });
      const pair = await createAgentKey();
      await made.guard.agentKeys.add(name, pair.publicKey);
      const principal = await who(apiKey, connection);
      if (principal === undefined) throw new Error('the key was not accepted');
      return { name, apiKey, pair, principal };
    },
  };
}

/** An answer to a challenge, right but for what is said otherwise. */
export async function answerTo(nonce: unknown, { name, pair }: Pick<Member, 'name' | 'pair'>, other: Partial<Parameters<typeof challengeBytes>[0]> = {}) {
  const text = { audience, agentId: name, kid: pair.kid, nonce: String(nonce), channel: '', ...other };
  return { nonce, kid: pair.kid, signature: await signWith(pair, challengeBytes(text)) };
}

export async function signWith({ privateKey }: Pick<AgentKeyPair, 'privateKey'>, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = await crypto.subtle.importKey('jwk', { ...privateKey }, 'Ed25519', false, ['sign']);
  return Buffer.from(await crypto.subtle.sign('Ed25519', key, bytes)).toString('base64url');
}

/** The whole handshake; the tool's last answer. */
export async function handshake({ call }: World, member: Member): Promise<Record<string, unknown>> {
  const { nonce } = await call(member.principal, 'auth_challenge', {});
  return call(member.principal, 'auth_respond', await answerTo(nonce, member));
}
