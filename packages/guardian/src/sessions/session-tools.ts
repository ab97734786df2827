import { type AnyTool, defineTool, type Principal } from '@meshwork/core';
import { z } from 'zod';

export interface SessionToolsOptions {
  readonly audience: string;
  challenge(
    principal: Principal,
    expectedAudience: string | undefined,
  ): Promise<{ readonly nonce: string; readonly expiresAt: number; readonly kids: readonly string[] }>;
  respond(principal: Principal, answer: ChallengeAnswer): Promise<{ readonly token: string; readonly expiresAt: number; readonly expiresInMs: number }>;
  end(principal: Principal): Promise<void>;
}

interface ChallengeAnswer {
  readonly nonce: string;
  readonly kid: string;
  readonly signature: string;
  readonly channelBound: boolean;
}

const SIGN =
  'Sign with Ed25519 the bytes of "meshwork-auth-v1" and a zero byte, then audience, agent_id, kid, nonce and channel, each in UTF-8 after its length in bytes as 4 bytes, the highest first. kid is the RFC 7638 thumbprint of your key. channel is empty, or, with channel_bound, the channel binding of this TLS connection (RFC 9266) in base64url. Take audience and agent_id from what you know, not from this answer.';

/**
 * The tools of the handshake. They are of the category `permission` and change nothing but the caller's own standing, so that callers from outside
 * may use them too.
 */
export function createSessionTools({ audience, challenge, respond, end }: SessionToolsOptions): AnyTool[] {
  const category = 'permission';
  const effect = 'write';
  // A session allows no more than the credential it is opened with: whoever has any may sign in.
  const scopes: readonly string[] = [];
  const annotations = { destructiveHint: false, openWorldHint: false };
  return [
    defineTool({
      name: 'auth_challenge',
      title: 'Ask for a challenge',
      description: 'Gives a nonce to sign with the Ed25519 key of the calling agent, good once and for 30 seconds. Answer it with auth_respond.',
      category,
      effect,
      scopes,
      annotations,
      input: z.strictObject({ audience: z.string().max(256).optional().describe('The hub you mean to speak to; refused when this is another.') }),
      output: z.object({
        nonce: z.string(),
        audience: z.string(),
        agent_id: z.string(),
        kids: z.array(z.string()).describe('Your keys that this hub knows, by their thumbprints.'),
        expires_at: z.string(),
        sign: z.string().describe('What to sign.'),
      }),
      run: async ({ audience: expected }, { principal }) => {
        const { nonce, expiresAt, kids } = await challenge(principal, expected);
        return { nonce, audience, agent_id: principal.id, kids: [...kids], expires_at: new Date(expiresAt).toISOString(), sign: SIGN };
      },
    }),
    defineTool({
      name: 'auth_respond',
      title: 'Answer a challenge',
      description: 'Opens a session with a signed nonce. The session token, shown only in this answer, is a credential like the key, until it expires.',
      category,
      effect,
      scopes,
      annotations,
      input: z.strictObject({
        nonce: z
          .string()
          .regex(/^[\w-]{43}$/)
          .describe('As auth_challenge gave it.'),
        kid: z
          .string()
          .regex(/^[\w-]{43}$/)
          .describe('The thumbprint of the key that signed (RFC 7638).'),
        signature: z
          .string()
          .regex(/^[\w-]{86}$/)
          .describe('64 bytes in base64url without padding.'),
        channel_bound: z.boolean().optional().describe('The channel binding was signed: the session is good on this TLS connection alone.'),
      }),
      output: z.object({
        session_token: z.string().describe('Shown this once.'),
        expires_at: z.string(),
        expires_in_ms: z.number().describe('The same by no clock but yours.'),
      }),
      run: async ({ nonce, kid, signature, channel_bound: channelBound = false }, { principal }) => {
        const { token, expiresAt, expiresInMs } = await respond(principal, { nonce, kid, signature, channelBound });
        return { session_token: token, expires_at: new Date(expiresAt).toISOString(), expires_in_ms: expiresInMs };
      },
    }),
    defineTool({
      name: 'session_end',
      title: 'End the session',
      description: 'Ends the session whose token came with this call. The token is worth nothing from then on.',
      category,
      effect,
      scopes,
      annotations: { ...annotations, idempotentHint: true },
      input: z.strictObject({}),
      output: z.object({ ended: z.boolean() }),
      run: async (_args, { principal }) => {
        await end(principal);
        return { ended: true };
      },
    }),
  ];
}
