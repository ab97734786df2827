export type { AccessTokenClaims } from './oauth/access-token.ts';
export type { OutboundFetch } from './oauth/issuer-metadata.ts';
export { createOAuthAuthenticator, type OAuthAuthenticatorOptions, type OAuthIssuer } from './oauth/oauth-authenticator.ts';
export { accessTokenAlgorithms, type SigningAlgorithm } from './oauth/signing-algorithms.ts';
export type { TokenIdentity } from './oauth/token-principal.ts';
