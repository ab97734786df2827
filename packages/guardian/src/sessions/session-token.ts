import { type AuthenticationMethod, InvalidInputError, type OpenedWith, type Principal } from '@meshwork/core';
import { compactVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { isWholeSeconds, LONGEST_TOKEN, readJwt } from '../strict-jwt.ts';
import type { SessionKeys } from './session-keys.ts';

/** What a session token says. */
export interface Session {
  /** `jti` */
  readonly id: string;
  readonly agent: string;
  /** Thumbprint of the agent's key that opened it. */
  readonly kid: string;
  /** Which addition of that key to the hub it was. */
  readonly keyId: string;
  /** Seconds since the Unix epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** The TLS connection it is good on alone, by its channel binding. Absent: any. */
  readonly channel?: string;
  /** What the credential it was opened with is limited to, and whose it is: a session never allows more. */
  readonly terms: SessionTerms;
  /** The credential it was opened with: a session does not outlive it. */
  readonly openedWith: OpenedWith;
}

export type SessionTerms = Pick<Principal, 'owner' | 'organisation' | 'scopes'>;

/** The longest a session token may last. */
export const LONGEST_SESSION_MS = 15 * 60_000;
/** What clocks of hubs may differ by. */
export const TOLERANCE_S = 5;

const ISSUER = 'meshwork';
const TYPE = 'meshwork-session+jwt';
const KID = /^[\w-]{1,64}$/;

const seconds = z.custom<number>(isWholeSeconds);
const thumbprint = z.string().regex(/^[\w-]{43}$/);
const methods = ['api-key', 'session', 'certificate', 'oauth', 'process-owner', 'in-process', 'none'] as const satisfies readonly AuthenticationMethod[];
const keyId = z.string().regex(/^[0-9a-f]{16}$/);
const claims = z.strictObject({
  iss: z.literal(ISSUER),
  aud: z.string(),
  sub: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  jti: z.string().regex(/^[\w-]{1,64}$/),
  iat: seconds,
  nbf: seconds,
  exp: seconds,
  cnf: z.strictObject({ jkt: thumbprint }),
  key: keyId,
  chb: z.string().min(1).max(128).optional(),
  owner: z.string().optional(),
  org: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  par: z.strictObject({ by: z.enum(methods), key: keyId.optional(), exp: seconds.optional() }),
});
const header = z.strictObject({ alg: z.literal('EdDSA'), typ: z.literal(TYPE), kid: z.string().regex(KID) });

/** A JWT (RFC 7519) signed with the hub's own Ed25519 key, for one audience. */
export async function signSession(session: Session, audience: string, keys: SessionKeys): Promise<string> {
  const { id, agent, kid, keyId, issuedAt, expiresAt, channel, terms, openedWith } = session;
  const signer = await keys.signer();
  const payload = {
    iss: ISSUER,
    aud: audience,
    sub: agent,
    jti: id,
    iat: issuedAt,
    nbf: issuedAt,
    exp: expiresAt,
    cnf: { jkt: kid },
    key: keyId,
    ...(channel !== undefined && { chb: channel }),
    ...(terms.owner !== undefined && { owner: terms.owner }),
    ...(terms.organisation !== undefined && { org: terms.organisation }),
    ...(terms.scopes !== undefined && { scopes: terms.scopes }),
    par: parentClaim(openedWith),
  };
  const token = await new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid: signer.kid }).sign(signer.key);
  if (token.length > LONGEST_TOKEN)
    throw new InvalidInputError(`the credential has so many scopes that a session token of it is over ${LONGEST_TOKEN} characters; use one with fewer`);
  return token;
}

/**
 * What a token says once all of it holds: one text, header and claims as this hub writes them, a signature by one of its keys, this audience, and a
 * time between its issue and its expiry, give or take 5 seconds. Else `undefined`. Whether it was revoked is not looked up.
 */
export async function verifySession(token: string, audience: string, keys: SessionKeys, nowMs: number): Promise<Session | undefined> {
  const read = readJwt(token);
  const head = header.safeParse(read?.header);
  const said = claims.safeParse(read?.payload);
  if (!head.success || !said.success) return undefined;
  const { aud, sub, jti, iat, nbf, exp, cnf, key, chb, owner, org, scopes, par } = said.data;
  const now = nowMs / 1_000;
  if (aud !== audience || nbf !== iat || exp <= iat || exp - iat > LONGEST_SESSION_MS / 1_000) return undefined;
  if (now >= exp + TOLERANCE_S || now < iat - TOLERANCE_S) return undefined;
  const verifier = await keys.verifier(head.data.kid);
  if (verifier === undefined) return undefined;
  try {
    await compactVerify(token, verifier, { algorithms: ['EdDSA'] });
  } catch {
    return undefined;
  }
  const terms: SessionTerms = {
    ...(owner !== undefined && { owner }),
    ...(org !== undefined && { organisation: org }),
    ...(scopes !== undefined && { scopes }),
  };
  const openedWith: OpenedWith = {
    method: par.by,
    ...(par.key !== undefined && { keyId: par.key }),
    ...(par.exp !== undefined && { expiresAt: par.exp * 1_000 }),
  };
  return {
    id: jti,
    agent: sub,
    kid: cnf.jkt,
    keyId: key,
    issuedAt: iat,
    expiresAt: exp,
    terms,
    ...(chb !== undefined && { channel: chb }),
    openedWith,
  };
}

function parentClaim({ method: by, keyId: key, expiresAt }: OpenedWith): z.input<typeof claims>['par'] {
  return { by, ...(key !== undefined && { key }), ...(expiresAt !== undefined && { exp: Math.floor(expiresAt / 1_000) }) };
}
