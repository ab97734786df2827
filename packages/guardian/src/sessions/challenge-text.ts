/** What an agent signs to open a session. */
export interface ChallengeText {
  /** The hub the session is for. */
  readonly audience: string;
  readonly agentId: string;
  /** The thumbprint of the key that signs. */
  readonly kid: string;
  /** As the hub gave it. */
  readonly nonce: string;
  /** The channel binding of the TLS connection in base64url; empty for a session that is good on any connection. */
  readonly channel: string;
}

/**
 * The bytes to sign: `meshwork-auth-v1` and a zero byte, then audience, agent id, kid, nonce and channel, each in UTF-8 after its length in bytes
 * as four bytes, the highest first. A signature made for anything else, by anyone else or for another hub fits none of it.
 */
export function challengeBytes({ audience, agentId, kid, nonce, channel }: ChallengeText): Uint8Array<ArrayBuffer> {
  const fields = [audience, agentId, kid, nonce, channel].map((text) => encoder.encode(text));
  const bytes = new Uint8Array(DOMAIN.length + fields.reduce((sum, field) => sum + 4 + field.length, 0));
  bytes.set(DOMAIN);
  let at = DOMAIN.length;
  for (const field of fields) {
    new DataView(bytes.buffer).setUint32(at, field.length);
    bytes.set(field, at + 4);
    at += 4 + field.length;
  }
  return bytes;
}

const encoder = new TextEncoder();
const DOMAIN = encoder.encode('meshwork-auth-v1\0');
