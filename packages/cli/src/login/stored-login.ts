import { z } from 'zod';

const clientProof = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('none') }),
  /** `variable` is absent for a secret that came on standard input. The secret itself is never kept. */
  z.strictObject({ method: z.literal('secret'), variable: z.string().optional() }),
  z.strictObject({ method: z.literal('key'), file: z.string(), keyId: z.string().optional() }),
]);

/** How a client shows the authorization server that it is who it says. */
export type ClientProof = z.infer<typeof clientProof>;

/** A login as it is kept. */
export const storedLoginSchema = z.strictObject({
  version: z.literal(1),
  /** The hub the tokens are for (RFC 8707), and the only one they are shown to. */
  resource: z.url(),
  /** The authorization server they are from, exactly as it calls itself. */
  issuer: z.url(),
  clientId: z.string().min(1),
  grant: z.enum(['device', 'client-credentials']),
  proof: clientProof,
  scope: z.string(),
  /** The user named the scopes: they are not widened without being asked for. */
  scopeNamed: z.boolean(),
  allowPrivateHosts: z.array(z.string()),
  accessToken: z.string().min(1),
  refreshToken: z.string().min(1).optional(),
  /** Milliseconds since 1970; absent when the server did not say. */
  expiresAt: z.number().optional(),
});

export type StoredLogin = Readonly<z.infer<typeof storedLoginSchema>>;

/** A token is renewed this long before its end, so that it does not end on the way. */
const EARLY_MS = 10_000;

export function isExpired({ expiresAt }: StoredLogin, now = Date.now()): boolean {
  return expiresAt !== undefined && expiresAt - EARLY_MS <= now;
}

/** True when a new token can be had without anybody at the keyboard. */
export function isRenewable({ refreshToken, grant }: StoredLogin): boolean {
  return refreshToken !== undefined || grant === 'client-credentials';
}

/** What may be shown of a login: everything but its tokens. */
export interface LoginDescription {
  readonly resource: string;
  readonly issuer: string;
  readonly client_id: string;
  readonly grant: StoredLogin['grant'];
  readonly scope: string;
  readonly renewable: boolean;
  /** ISO 8601. */
  readonly expires_at?: string;
}

export function describeLogin(login: StoredLogin): LoginDescription {
  const { resource, issuer, clientId, grant, scope, expiresAt } = login;
  return {
    resource,
    issuer,
    client_id: clientId,
    grant,
    scope,
    renewable: isRenewable(login),
    ...(expiresAt !== undefined && { expires_at: new Date(expiresAt).toISOString() }),
  };
}
