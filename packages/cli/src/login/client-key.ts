import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { usageError } from '../cli-error.ts';

/** The private key of a client, for `private_key_jwt` (RFC 7523). */
export interface ClientKey {
  readonly key: CryptoKey;
  /** The name for it in the header of an assertion. */
  readonly algorithm: string;
  readonly keyId: string | undefined;
}

/**
 * Reads a private key, in PEM (PKCS #8) or as a JWK, and chooses an algorithm that it and the server have.
 *
 * @throws {CliError} when the file holds no such key.
 */
export async function readClientKey(file: string, supported: readonly unknown[] | undefined): Promise<ClientKey> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw usageError(`the file ${file} cannot be read; check that it is there and yours`);
  });
  const { key, named, keyId } = parse(file, text);
  const candidates = candidatesOf(key);
  const choice =
    candidates.find(({ names }) => named !== undefined && names.includes(named)) ??
    candidates.find(({ names }) => names.some((name) => supported?.includes(name))) ??
    candidates[0];
  if (choice === undefined) throw usageError(`the key in ${file} is of a kind that is not used here; make one with Ed25519, P-256, P-384 or RSA`);
  const { names, parameters } = choice;
  const algorithm = names.find((name) => name === named) ?? names.find((name) => supported?.includes(name)) ?? names[0] ?? '';
  const der = key.export({ format: 'der', type: 'pkcs8' });
  return { key: await crypto.subtle.importKey('pkcs8', new Uint8Array(der), parameters, false, ['sign']), algorithm, keyId };
}

function parse(file: string, text: string): { readonly key: KeyObject; readonly named?: string; readonly keyId: string | undefined } {
  try {
    if (!text.trimStart().startsWith('{')) return { key: createPrivateKey(text), keyId: undefined };
    const jwk = JSON.parse(text) as Record<string, unknown>;
    return {
      key: createPrivateKey({ key: jwk as never, format: 'jwk' }),
      keyId: typeof jwk.kid === 'string' ? jwk.kid : undefined,
      ...(typeof jwk.alg === 'string' && { named: jwk.alg }),
    };
  } catch {
    // What the parser says could hold a part of the key.
    throw usageError(`the file ${file} holds no private key without a passphrase, in PEM (PKCS #8) or as a JWK`);
  }
}

interface Candidate {
  readonly names: readonly string[];
  readonly parameters: { readonly name: string; readonly namedCurve?: string; readonly hash?: string };
}

function candidatesOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly Candidate[] {
  if (asymmetricKeyType === 'ed25519') return [{ names: ['EdDSA', 'Ed25519'], parameters: { name: 'Ed25519' } }];
  if (asymmetricKeyType === 'rsa')
    return [
      { names: ['PS256'], parameters: { name: 'RSA-PSS', hash: 'SHA-256' } },
      { names: ['RS256'], parameters: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } },
    ];
  const curve = asymmetricKeyDetails?.namedCurve;
  if (curve === 'prime256v1') return [{ names: ['ES256'], parameters: { name: 'ECDSA', namedCurve: 'P-256' } }];
  return curve === 'secp384r1' ? [{ names: ['ES384'], parameters: { name: 'ECDSA', namedCurve: 'P-384' } }] : [];
}
