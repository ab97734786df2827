import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LONGEST_TOKEN, type ReadJws, readJws, readJwt } from '../src/strict-jwt.ts';

const base64url = (text: string | Uint8Array) => Buffer.from(text as string).toString('base64url');
const tokenOf = (header: string | Uint8Array, payload: string | Uint8Array, signature = 'c2ln') => `${base64url(header)}.${base64url(payload)}.${signature}`;
const header = '{"alg":"EdDSA"}';
const claims = '{"sub":"a","exp":1}';

describe('reading a token strictly', () => {
  it('T06: gives its parts, with objects that have no prototype', () => {
    const text = tokenOf('{"alg":"EdDSA","typ":"a+jwt","kid":"k"}', '{"sub":"a","cnf":{"jkt":"x"},"list":[{"constructor":1}]}');
    const token = readJwt(text);
    expect(token).toMatchObject({ header: { alg: 'EdDSA', typ: 'a+jwt', kid: 'k' }, signingInput: text.slice(0, text.lastIndexOf('.')) });
    expect(new TextDecoder().decode(token?.signature)).toBe('sig');
    const { cnf, list } = { ...token?.payload } as { cnf?: object; list?: object[] };
    expect(token?.payload.sub).toBe('a');
    for (const object of [token?.header, token?.payload, cnf, list?.[0]]) expect(Object.getPrototypeOf(object)).toBeNull();
    expect(token?.payload.toString).toBeUndefined();
  });

  it('T05: refuses every other text of the same bytes', () => {
    const good = tokenOf(header, claims, 'c2lnbg');
    expect(readJwt(good)).toBeDefined();
    const [first = '', second = '', third = ''] = good.split('.');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf('g');
    const sameBytes = [...alphabet].filter((_, index) => index >> 4 === last >> 4 && index !== last);
    expect(sameBytes).toHaveLength(15);
    for (const character of sameBytes) {
      expect(Buffer.from(third.slice(0, -1) + character, 'base64url')).toEqual(Buffer.from(third, 'base64url'));
      expect(readJwt(`${first}.${second}.${third.slice(0, -1)}${character}`), character).toBeUndefined();
    }
    for (const part of [0, 1, 2])
      for (const change of [(text: string) => `${text}=`, (text: string) => `${text}==`, (text: string) => ` ${text}`, (text: string) => `${text}\n`])
        expect(
          readJwt(
            good
              .split('.')
              .map((text, at) => (at === part ? change(text) : text))
              .join('.'),
          ),
        ).toBeUndefined();
    const slashed = tokenOf(header, claims, '_-_-');
    expect(readJwt(slashed)).toBeDefined();
    expect(readJwt(slashed.replace('_-_-', '/+/+'))).toBeUndefined();
  });

  it.each([
    ['two parts', `${base64url(header)}.${base64url(claims)}`],
    ['four parts', `${tokenOf(header, claims)}.x`],
    ['five parts, as encrypted ones have', `${tokenOf(header, claims)}.x.y`],
    ['an empty signature', tokenOf(header, claims, '')],
    ['nothing', ''],
    ['only dots', '..'],
    ['more than 4 KiB', tokenOf(header, JSON.stringify({ a: 'x'.repeat(LONGEST_TOKEN) }))],
    ['no alg', tokenOf('{"typ":"JWT"}', claims)],
    ['an alg that is no string', tokenOf('{"alg":1}', claims)],
    ['alg none', tokenOf('{"alg":"none"}', claims)],
    ['alg nOnE', tokenOf('{"alg":"nOnE"}', claims)],
    ['jku', tokenOf('{"alg":"EdDSA","jku":"https://x.example"}', claims)],
    ['x5u', tokenOf('{"alg":"EdDSA","x5u":"https://x.example"}', claims)],
    ['x5c', tokenOf('{"alg":"EdDSA","x5c":[]}', claims)],
    ['jwk', tokenOf('{"alg":"EdDSA","jwk":{}}', claims)],
    ['crit', tokenOf('{"alg":"EdDSA","crit":["exp"]}', claims)],
    ['b64', tokenOf('{"alg":"EdDSA","b64":false}', claims)],
    ['zip', tokenOf('{"alg":"EdDSA","zip":"DEF"}', claims)],
    ['a kid that is no string', tokenOf('{"alg":"EdDSA","kid":["k"]}', claims)],
    ['a typ that is no string', tokenOf('{"alg":"EdDSA","typ":{}}', claims)],
    ['a header in an array', tokenOf('[{"alg":"EdDSA"}]', claims)],
    ['a duplicate in the header', tokenOf('{"alg":"EdDSA","alg":"EdDSA"}', claims)],
    ['a duplicate claim', tokenOf(header, '{"sub":"a","sub":"b"}')],
    ['a duplicate claim, escaped', tokenOf(header, '{"sub":"a","\\u0073ub":"b"}')],
    ['a nested duplicate', tokenOf(header, '{"cnf":{"jkt":"a","jkt":"b"}}')],
    ['__proto__', tokenOf(header, '{"__proto__":{"admin":true}}')],
    ['__proto__ inside', tokenOf(header, '{"a":[{"__proto__":1}]}')],
    ['1e400', tokenOf(header, '{"exp":1e400}')],
    ['-1e400 inside', tokenOf(header, '{"a":[-1e400]}')],
    ['NaN', tokenOf(header, '{"exp":NaN}')],
    ['a string', tokenOf(header, '"claims"')],
    ['null', tokenOf(header, 'null')],
    ['an array', tokenOf(header, '[]')],
    ['no JSON', tokenOf(header, 'exp=1')],
    ['JSON and more', tokenOf(header, '{} {}')],
    ['a byte order mark', tokenOf(header, '\ufeff{}')],
    ['bytes that are not UTF-8', tokenOf(header, new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))],
    ['a lone surrogate', tokenOf(header, '{"a":"\\ud800"}')],
    ['deep nesting', tokenOf(header, `{"a":${'['.repeat(1_000)}${']'.repeat(1_000)}}`)],
    ['very many members', tokenOf(header, `{${Array.from({ length: 300 }, (_, index) => `"${index}":1`).join()}}`)],
  ])('T06: refuses %s', (_, text) => expect(readJwt(text)).toBeUndefined());

  it('lets a key stand in the header only where it is told to', () => {
    const proof = tokenOf('{"alg":"EdDSA","typ":"dpop+jwt","jwk":{"kty":"OKP"}}', claims);
    expect(readJwt(proof)).toBeUndefined();
    expect(readJwt(proof, { embeddedKey: true })?.header).toMatchObject({ jwk: { kty: 'OKP' } });
  });
});

/** C2SP/wycheproof, Apache-2.0. Beside the repository, because it is large and not ours. */
const corpus = fileURLToPath(new URL('../../../../shared/corpora/wycheproof/', import.meta.url));

type Key = JsonWebKey & { readonly alg?: string; readonly kid?: string };

const keysIn = (key: Key | { readonly keys: readonly Key[] }) => ('keys' in key ? key.keys : [key]);

interface Vectors {
  readonly testGroups: readonly {
    readonly public?: Key | { readonly keys: readonly Key[] };
    readonly private?: Key | { readonly keys: readonly Key[] };
    readonly tests: readonly { readonly tcId: number; readonly comment: string; readonly jws: unknown; readonly result: string }[];
  }[];
}

const algorithms: Record<string, readonly [object, object]> = {
  ES256: [
    { name: 'ECDSA', namedCurve: 'P-256' },
    { name: 'ECDSA', hash: 'SHA-256' },
  ],
  RS256: [{ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, { name: 'RSASSA-PKCS1-v1_5' }],
};

/** The way a verifier uses what was read: one algorithm, which the key names, and the platform's own cryptography. */
async function accepts(token: ReadJws, jwk: Key): Promise<boolean> {
  const [forKey, forCheck] = algorithms[jwk.alg ?? ''] ?? [];
  if (forKey === undefined || forCheck === undefined || token.header.alg !== jwk.alg) return false;
  if (jwk.use !== undefined && jwk.use !== 'sig') return false;
  try {
    const key = await crypto.subtle.importKey('jwk', jwk, forKey as never, false, ['verify']);
    return await crypto.subtle.verify(forCheck as never, key, token.signature, new TextEncoder().encode(token.signingInput));
  } catch {
    return false;
  }
}

describe("T02, T05: Wycheproof's signed tokens", () => {
  it.skipIf(!existsSync(corpus))('are accepted when valid and refused when not (skipped where ../shared/corpora does not exist)', async () => {
    const wrong: string[] = [];
    const count = { validRead: 0, validAccepted: 0, invalidRefused: 0 };
    for (const file of ['json_web_signature_test.json', 'json_web_key_test.json', 'json_web_crypto_test.json']) {
      const { testGroups } = JSON.parse(readFileSync(corpus + file, 'utf8')) as Vectors;
      for (const { public: publicKey, private: privateKey, tests } of testGroups) {
        for (const { tcId, comment, jws, result } of tests) {
          if (jws === undefined) continue;
          const keys = keysIn(publicKey ?? privateKey ?? {});
          const read = typeof jws === 'string' ? readJws(jws) : undefined;
          const fitting = keys.filter(({ kid }) => keys.length === 1 || kid === read?.header.kid);
          const accepted = read !== undefined && fitting.length === 1 && (await accepts(read, fitting[0] ?? {}));
          if (result === 'invalid') {
            if (accepted) wrong.push(`${file} ${tcId} accepted: ${comment}`);
            else count.invalidRefused += 1;
          } else {
            if (read === undefined) wrong.push(`${file} ${tcId} not read: ${comment}`);
            else count.validRead += 1;
            if (accepted) count.validAccepted += 1;
            else if (read !== undefined && read.header.alg in algorithms) wrong.push(`${file} ${tcId} refused: ${comment}`);
          }
        }
      }
    }
    console.log('Wycheproof tokens', count);
    expect(wrong).toEqual([
      // HMAC, which no key here is for; characters that base64url has not are refused all the same (RFC 7515 section 2).
      'json_web_signature_test.json 372 not read: InvalidCharacterInsertedInHeader',
      'json_web_signature_test.json 373 not read: InvalidCharacterInsertedInPayload',
      // Right signatures by weak keys: which keys are good is for whoever configures them.
      'json_web_key_test.json 7 accepted: rejectsKeyWithRocaVulnerability',
      'json_web_key_test.json 8 accepted: rejects1024bitRsaKey',
      'json_web_key_test.json 9 accepted: rejectsPublicExponent1',
      'json_web_crypto_test.json 46 accepted: rejectsKeyWithRocaVulnerability',
    ]);
    expect(count).toEqual({ validRead: 53, validAccepted: 13, invalidRefused: 417 });
  });
});
