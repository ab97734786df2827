import { encodeBase64url } from '../base64url.ts';
import { challengeBytes } from '../sessions/challenge-text.ts';
import { type AgentPrivateKey, kidOf } from './agent-key.ts';
import { readAnswer, SessionError } from './read-answer.ts';

/** Calls a tool of the hub, by whatever face and client, with a credential of the agent, and gives what came back. */
export type CallTool = (name: string, args: Record<string, unknown>) => Promise<unknown>;

export interface OpenSessionOptions {
  readonly call: CallTool;
  readonly agentId: string;
  readonly privateKey: AgentPrivateKey;
  /**
   * The hub the agent means to speak to, as its admin said. Only with it does a signature say so: without it the hub's own word is signed, and a
   * hub that also has the agent's API key of another could pass that one's challenge on.
   */
  readonly audience?: string;
  /** The channel binding of the TLS connection `call` goes over (RFC 9266, in base64url). With it the session is good on that connection alone. */
  readonly channelBinding?: string;
}

/** An open session. */
export interface OpenedSession {
  /** To be sent in place of the API key: `Authorization: Bearer <token>`. Secret. */
  readonly token: string;
  /** By the hub's clock. */
  readonly expiresAt: Date;
  /** Milliseconds it lasted from when it was opened, by any clock. */
  readonly lifetimeMs: number;
}

/**
 * Proves to a hub that the caller holds the agent's key, and gets a session token for it: asks for a challenge, signs it, sends the answer.
 *
 * @throws {SessionError} when the hub refuses, says something else than a handshake, or is another than `audience`; what `call` throws.
 */
export async function openSession({ call, agentId, privateKey, audience, channelBinding }: OpenSessionOptions): Promise<OpenedSession> {
  const challenge = readAnswer(await call('auth_challenge', audience === undefined ? {} : { audience }));
  const nonce = textOf(challenge, 'nonce');
  const hub = textOf(challenge, 'audience');
  if (audience !== undefined && hub !== audience)
    throw new SessionError(`the hub says it is ${JSON.stringify(hub)}, not ${JSON.stringify(audience)}; nothing was signed`);
  const kid = await kidOf(privateKey);
  const signature = await sign(privateKey, challengeBytes({ audience: hub, agentId, kid, nonce, channel: channelBinding ?? '' }));
  const opened = readAnswer(await call('auth_respond', { nonce, kid, signature, ...(channelBinding !== undefined && { channel_bound: true }) }));
  const { expires_in_ms: lifetimeMs } = opened;
  const expiresAt = new Date(textOf(opened, 'expires_at'));
  if (typeof lifetimeMs !== 'number' || !(lifetimeMs > 0) || Number.isNaN(expiresAt.getTime()))
    throw new SessionError('the hub did not say how long the session lasts; is it a Meshwork hub?');
  return { token: textOf(opened, 'session_token'), expiresAt, lifetimeMs };
}

async function sign({ kty, crv, x, d }: AgentPrivateKey, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x, d }, 'Ed25519', false, ['sign']);
  return encodeBase64url(new Uint8Array(await crypto.subtle.sign('Ed25519', key, bytes)));
}

function textOf(answer: Readonly<Record<string, unknown>>, name: string): string {
  const value = answer[name];
  if (typeof value !== 'string' || value === '') throw new SessionError(`the hub's answer has no ${name}; is it a Meshwork hub?`);
  return value;
}
