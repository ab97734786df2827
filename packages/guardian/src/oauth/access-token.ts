import { compactVerify } from 'jose';
import { z } from 'zod';
import { digestOf } from '../secret.ts';
import type { SteadyTime } from '../steady-time.ts';
import { readJwt } from '../strict-jwt.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { invalidToken } from './refusals.ts';
import { isSigningAlgorithm, type SigningAlgorithm } from './signing-algorithms.ts';

const text = z.string().min(1).max(512);
const seconds = z.int().min(0).max(253_402_300_799);

/** RFC 9068 section 2.2, read strictly: one audience, times in whole seconds. */
const claimsSchema = z.looseObject({
  iss: text,
  sub: text,
  aud: text,
  client_id: text,
  jti: text,
  iat: seconds,
  exp: seconds,
  nbf: seconds.optional(),
  scope: z.string().max(2_048).optional(),
  cnf: z.object({ jkt: text.optional(), 'x5t#S256': text.optional() }).optional(),
});

/** The claims of an access token that has been verified; what RFC 9068 does not name is there as the issuer wrote it. */
export type AccessTokenClaims = Readonly<z.infer<typeof claimsSchema>>;

/** What is needed of an issuer to check its tokens. */
export interface TokenIssuer {
  readonly keys: IssuerKeys;
  readonly algorithms: readonly SigningAlgorithm[];
}

export interface AccessTokensOptions {
  /** The one audience tokens must have. */
  readonly resource: string;
  readonly issuers: ReadonlyMap<string, TokenIssuer>;
  readonly clock: SteadyTime;
  /** Milliseconds the clocks of the hub and of its issuers may be apart. */
  readonly toleranceMs: number;
}

/** Checks access tokens (RFC 9068), and remembers those that are good. */
export interface AccessTokens {
  /**
   * The claims of a good token, `undefined` for what is no token of a known issuer.
   *
   * @throws {UnauthenticatedError} when it is not good here, {@link UnavailableError} when its issuer cannot be asked for its keys.
   */
  verify(token: string): Promise<AccessTokenClaims | undefined>;
}

/** A verified token is believed this long without looking at its key again, which may have been withdrawn. */
const BELIEVED_MS = 600_000;
const REMEMBERED = 10_000;
const WRONG = 'the access token is not good for this hub; get one from its authorization server for this resource';

export function createAccessTokens({ resource, issuers, clock, toleranceMs }: AccessTokensOptions): AccessTokens {
  /** By the digest of the token's one text: a token that was written differently is another one, and read strictly again. */
  const verified = new Map<string, { readonly claims: AccessTokenClaims; readonly at: number }>();

  const verifyAnew = async (token: string): Promise<AccessTokenClaims | undefined> => {
    const read = readJwt(token);
    const issuer = typeof read?.payload.iss === 'string' ? issuers.get(read.payload.iss) : undefined;
    if (read === undefined || issuer === undefined) return undefined;
    const { alg, kid, typ } = read.header;
    const claims = claimsSchema.safeParse(read.payload).data;
    if (claims === undefined || claims.aud !== resource || !isAccessToken(typ)) throw invalidToken(WRONG);
    checkTimes(claims, clock, toleranceMs);
    if (kid === undefined || !KEY_ID.test(kid) || !isSigningAlgorithm(alg) || !issuer.algorithms.includes(alg)) throw invalidToken(WRONG);
    const key = await issuer.keys.find(kid, alg);
    if (key === undefined) throw invalidToken(WRONG);
    await compactVerify(token, key, { algorithms: [alg] }).catch(() => {
      throw invalidToken(WRONG);
    });
    return claims;
  };

  return {
    async verify(token) {
      const digest = digestOf(token);
      const known = verified.get(digest);
      if (known !== undefined && Math.abs(clock.now() - known.at) < BELIEVED_MS) {
        checkTimes(known.claims, clock, toleranceMs);
        return known.claims;
      }
      verified.delete(digest);
      const claims = await verifyAnew(token);
      if (claims !== undefined) {
        if (verified.size >= REMEMBERED) verified.clear();
        verified.set(digest, { claims, at: clock.now() });
      }
      return claims;
    },
  };
}

/** A look-up in a map cannot be led astray by what an id holds; what looks like a path or a query is refused all the same. */
const KEY_ID = /^[\w.=+-]{1,128}$/;

/** RFC 9068 section 4: both spellings, so that no ID token passes for an access token. */
function isAccessToken(typ: string | undefined): boolean {
  return typ === 'at+jwt' || typ === 'application/at+jwt';
}

/** Too late is by the later of the two clocks, too early by the wall clock: one that is set, either way, opens the door to no token it was closed to. */
function checkTimes({ exp, nbf = 0, iat }: AccessTokenClaims, clock: SteadyTime, toleranceMs: number): void {
  if (exp * 1_000 + toleranceMs <= clock.now()) throw invalidToken('the access token has expired; get a new one');
  if (Math.max(nbf, iat) * 1_000 - toleranceMs > clock.wall())
    throw invalidToken('the access token is not valid yet; the clocks of this hub and its issuer differ');
}
