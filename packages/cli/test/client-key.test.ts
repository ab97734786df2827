import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readClientKey } from '../src/login/client-key.ts';
import { inFolder } from './program.ts';

const ed25519 = generateKeyPairSync('ed25519').privateKey;
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const pem = (key: KeyObject) => String(key.export({ format: 'pem', type: 'pkcs8' }));
const jwk = (key: KeyObject, more: object = {}) => JSON.stringify({ ...key.export({ format: 'jwk' }), ...more });

const read = (text: string, supported?: readonly string[]) =>
  inFolder(async (folder) => {
    const file = join(folder, 'client.key');
    await writeFile(file, text);
    return readClientKey(file, supported);
  });

describe('the private key of a client', () => {
  it.each<[string, string, readonly string[] | undefined, string]>([
    ['Ed25519, by the name servers have had longer', pem(ed25519), undefined, 'EdDSA'],
    ['Ed25519, by the only name the server has', pem(ed25519), ['Ed25519', 'RS256'], 'Ed25519'],
    ['Ed25519, by the name the key has', jwk(ed25519, { alg: 'Ed25519' }), ['EdDSA', 'Ed25519'], 'Ed25519'],
    ['P-256', pem(p256), ['ES256'], 'ES256'],
    ['P-384', jwk(p384), undefined, 'ES384'],
    ['RSA, with PSS where the server has it', pem(rsa), ['RS256', 'PS256'], 'PS256'],
    ['RSA, without where it has not', pem(rsa), ['RS256', 'ES256'], 'RS256'],
    ['RSA, as the key says', jwk(rsa, { alg: 'RS256' }), ['RS256', 'PS256'], 'RS256'],
  ])('signs: %s', async (_, text, supported, algorithm) => {
    const found = await read(text, supported);
    expect(found.algorithm).toBe(algorithm);
    expect([found.key.extractable, found.key.usages]).toEqual([false, ['sign']]);
  });

  it('has the name that a JWK gives it', async () => {
    expect((await read(jwk(p256, { kid: 'k1' }))).keyId).toBe('k1');
  });

  it.each([
    ['is none', 'hello'],
    ['is public', JSON.stringify({ ...ed25519.export({ format: 'jwk' }), d: undefined })],
    ['has a passphrase', String(p256.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' }))],
    ['is of a kind nobody signs with here', pem(generateKeyPairSync('x25519').privateKey)],
  ])('is refused when it %s, and not repeated', async (_, text) => {
    const error = await read(text).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'USAGE' });
    expect(String(error)).not.toContain(text.slice(0, 40));
  });
});
