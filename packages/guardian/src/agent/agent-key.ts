import { encodeBase64url } from '../base64url.ts';

/** A key pair of an agent. The hub gets the public key; the private one stays where the agent runs. */
export interface AgentKeyPair {
  /** Its name: the thumbprint of the public key (RFC 7638). */
  readonly kid: string;
  /** To hand to an admin of the hub (`agent_key_add`). */
  readonly publicKey: AgentPublicKey;
  /** Secret. */
  readonly privateKey: AgentPrivateKey;
}

/** An Ed25519 public key as a JWK (RFC 8037). */
export interface AgentPublicKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
}

/** An Ed25519 private key as a JWK. */
export interface AgentPrivateKey extends AgentPublicKey {
  readonly d: string;
}

/** Makes an Ed25519 key pair. */
export async function createAgentKey(): Promise<AgentKeyPair> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as { readonly privateKey: CryptoKey };
  const { x = '', d = '' } = await crypto.subtle.exportKey('jwk', pair.privateKey);
  const publicKey: AgentPublicKey = { kty: 'OKP', crv: 'Ed25519', x };
  return { kid: await kidOf(publicKey), publicKey, privateKey: { ...publicKey, d } };
}

/** The thumbprint of a key (RFC 7638: its required members in the order of their names, without spaces). */
export async function kidOf({ crv, kty, x }: AgentPublicKey): Promise<string> {
  const text = JSON.stringify({ crv, kty, x });
  return encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));
}
