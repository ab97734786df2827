import type { CarryingRequest } from '@meshwork/core';
import { sha256 } from '@noble/hashes/sha2.js';
import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose';
import { z } from 'zod';
import { encodeBase64url } from '../base64url.ts';
import type { SteadyTime } from '../steady-time.ts';
import { readJwt } from '../strict-jwt.ts';
import type { DpopNonces } from './dpop-nonces.ts';
import { invalidProof, nonceWanted } from './refusals.ts';
import type { ReplayGuard } from './replay-guard.ts';
import { fitsAlgorithm, isSigningAlgorithm, type SigningAlgorithm } from './signing-algorithms.ts';

/** Milliseconds a proof is taken after it was made. */
export const PROOF_AGE_MS = 60_000;

export interface DpopOptions {
  /** The hub's own URL: what proofs are made for begins with its origin. */
  readonly resource: string;
  readonly algorithms: readonly SigningAlgorithm[];
  readonly clock: SteadyTime;
  /** Milliseconds the clocks of the hub and of the sender may be apart. */
  readonly toleranceMs: number;
  readonly replays: ReplayGuard;
  readonly nonces: DpopNonces | undefined;
}

/** Checks proofs that the sender of a request holds the key its token is bound to. */
export interface DpopProofs {
  /**
   * Checks the proof in the request's `DPoP` header.
   *
   * @throws {UnauthenticatedError} when there is none or it is not good.
   */
  check(request: CarryingRequest | undefined, token: string, thumbprint: string): Promise<void>;
}

const claimsSchema = z.object({
  jti: z.string().min(1).max(512),
  htm: z.string(),
  htu: z.string(),
  iat: z.int(),
  ath: z.string(),
  nonce: z.string().optional(),
});

/** The checks of RFC 9449 section 4.3, whose numbers stand beside them. */
export function createDpopProofs({ resource, algorithms, clock, toleranceMs, replays, nonces }: DpopOptions): DpopProofs {
  const { origin } = new URL(resource);
  /** A request is looked at again while its connection lasts; its proof is then the one that was taken, and no replay. */
  const taken = new WeakMap<CarryingRequest, string>();
  const refuse = (what: string) => invalidProof(`the DPoP proof ${what}`, algorithms);

  return {
    async check(request, token, thumbprint) {
      // 1: several headers of one name arrive joined by a comma, which no token holds.
      const proof = request?.header('dpop') ?? undefined;
      if (request === undefined || proof === undefined) throw invalidProof('this access token is bound to a key: send a DPoP proof with it', algorithms);
      const ath = hashOf(token);
      const name = `${ath} ${hashOf(proof)}`;
      if (taken.get(request) === name) return;
      const read = readJwt(proof, { embeddedKey: true }); // 2
      if (read === undefined || read.header.typ !== 'dpop+jwt') throw refuse('is not a JWT of the type dpop+jwt'); // 4
      const claims = claimsSchema.safeParse(read.payload).data;
      if (claims === undefined) throw refuse('needs the claims jti, htm, htu, iat and ath'); // 3
      const { alg } = read.header;
      if (!isSigningAlgorithm(alg) || !algorithms.includes(alg)) throw refuse(`must be signed with one of ${algorithms.join(', ')}`); // 5
      const jwk = publicKeyIn(read.header.jwk, alg);
      if (jwk === undefined) throw refuse('must hold the public key it is signed with, and nothing private'); // 7
      if (!(await isSignedBy(jwk, proof, alg))) throw refuse('is not signed with the key it holds'); // 6
      if (claims.htm !== request.method) throw refuse('is for another method'); // 8
      if (!isSameUrl(claims.htu, `${origin}${request.path}`)) throw refuse('is for another URL'); // 9
      if (nonces !== undefined && !nonces.isGood(claims.nonce)) throw nonceWanted(nonces.current, algorithms); // 10
      const madeAt = claims.iat * 1_000;
      if (clock.now() - madeAt > PROOF_AGE_MS || madeAt - clock.wall() > toleranceMs) throw refuse('is too old or from the future; make one for each request'); // 11
      if (claims.ath !== ath) throw refuse('is for another access token'); // 12a
      if ((await calculateJwkThumbprint(jwk)) !== thumbprint) throw refuse('is made with another key than the access token is bound to'); // 12b
      // Last, so that nobody without the key fills the memory or uses up a proof of somebody else.
      if (!(await replays.isFirst(hashOf(`${thumbprint} ${claims.jti}`)))) throw refuse('has been used before; make one for each request');
      taken.set(request, name);
    },
  };
}

const encoder = new TextEncoder();

function hashOf(text: string): string {
  return encodeBase64url(sha256(encoder.encode(text)));
}

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const publicKeySchema = z.looseObject({ kty: z.string(), crv: z.string().optional() });

function publicKeyIn(value: unknown, algorithm: SigningAlgorithm): JWK | undefined {
  const jwk = publicKeySchema.safeParse(value).data;
  if (jwk === undefined || !fitsAlgorithm(jwk, algorithm) || PRIVATE_MEMBERS.some((member) => member in jwk)) return undefined;
  return jwk as JWK;
}

async function isSignedBy(jwk: JWK, proof: string, algorithm: SigningAlgorithm): Promise<boolean> {
  try {
    const { kty, crv, x, y, n, e } = jwk;
    const members = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
    await compactVerify(proof, await importJWK(Object.fromEntries(members) as unknown as JWK, algorithm), { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}

/** Query and fragment do not count (RFC 9449 section 4.3, check 9); a URL's host has no case, and its default port no place. */
function isSameUrl(said: string, expected: string): boolean {
  if (!URL.canParse(said) || !URL.canParse(expected)) return false;
  const [a, b] = [new URL(said), new URL(expected)];
  return a.origin === b.origin && a.pathname === b.pathname && a.username === '' && a.password === '';
}
