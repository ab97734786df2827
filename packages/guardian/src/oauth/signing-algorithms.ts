/**
 * What tokens and proofs may be signed with: key pairs only. With a shared secret whoever checks a token could make one, and a public key
 * could be taken for the secret (RFC 8725 section 2.1).
 */
export const accessTokenAlgorithms = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'] as const;

export type SigningAlgorithm = (typeof accessTokenAlgorithms)[number];

/** True for one of {@link accessTokenAlgorithms}. */
export function isSigningAlgorithm(name: string): name is SigningAlgorithm {
  return (accessTokenAlgorithms as readonly string[]).includes(name);
}

/** The kind of key, and for elliptic curves the curve, that goes with an algorithm (RFC 7518 section 3.1, RFC 8037, RFC 9864). */
export function fitsAlgorithm(jwk: { readonly kty?: unknown; readonly crv?: unknown }, algorithm: SigningAlgorithm): boolean {
  const [kty, crv] = keys[algorithm];
  return jwk.kty === kty && (crv === undefined || jwk.crv === crv);
}

const RSA = ['RSA'] as const;
const OKP = ['OKP', 'Ed25519'] as const;
const keys: Readonly<Record<SigningAlgorithm, readonly [kty: string, crv?: string]>> = {
  EdDSA: OKP,
  Ed25519: OKP,
  ES256: ['EC', 'P-256'],
  ES384: ['EC', 'P-384'],
  ES512: ['EC', 'P-521'],
  PS256: RSA,
  PS384: RSA,
  PS512: RSA,
  RS256: RSA,
  RS384: RSA,
  RS512: RSA,
};
