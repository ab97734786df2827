import { createMemoryStore, type JsonObject } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';
import { decodeJwt, decodeProtectedHeader, importJWK, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { audience, handshake, type SessionWorld, sessionWorld } from './hub-with-sessions.ts';

async function opened(options?: Parameters<typeof sessionWorld>[0]) {
  const hub = sessionWorld(options);
  const member = await hub.member('a');
  const { session_token: token } = await handshake(hub, member);
  return { hub, member, token: String(token) };
}

/** The hub's own private key, as whoever reads the store has it. */
async function keyOf({ store }: SessionWorld): Promise<JsonWebKey> {
  const entry = await store.get('guardian/session-keys');
  const [pair] = (entry?.value as unknown as { keys?: { jwk: JsonWebKey }[] } | undefined)?.keys ?? [];
  if (pair === undefined) throw new Error('there is no key');
  return pair.jwk;
}

/** Signs what differs from a good token in one thing alone. */
async function forger(hub: SessionWorld) {
  const key = (await importJWK({ ...(await keyOf(hub)) } as JsonObject, 'EdDSA')) as CryptoKey;
  return async (header: string, payload: string) => {
    const input = `${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`;
    const signature = await crypto.subtle.sign('Ed25519', key, new TextEncoder().encode(input));
    return `${input}.${Buffer.from(signature).toString('base64url')}`;
  };
}

describe('a session token', () => {
  it('says who, where, how long and by which key, in one text', async () => {
    const { member, token, hub } = await opened();
    const now = Math.floor(hub.clock.now() / 1_000);
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', typ: 'meshwork-session+jwt', kid: expect.stringMatching(/^[\w-]{43}$/) });
    expect(decodeJwt(token)).toEqual({
      iss: 'meshwork',
      aud: audience,
      sub: 'a',
      jti: expect.stringMatching(/^ses_/),
      iat: now,
      nbf: now,
      exp: now + 300,
      cnf: { jkt: member.pair.kid },
      key: expect.stringMatching(/^[0-9a-f]{16}$/),
      par: { by: 'api-key', key: member.apiKey.slice(3, 19) },
    });
  });

  it('lasts as long as the hub is set to, and on other hubs five seconds of their clocks', async () => {
    const { hub, token } = await opened({ sessions: { ttlMs: 60_000 } });
    const fresh = sessionWorld({ store: hub.store, clock: hub.clock });
    hub.clock.advance(59_999);
    expect(await hub.who(token)).toBeDefined();
    hub.clock.advance(1);
    expect(await hub.who(token)).toBeUndefined();
    hub.clock.advance(4_999);
    expect(await fresh.who(token)).toBeDefined();
    hub.clock.advance(1);
    for (const each of [hub, fresh]) expect(await each.who(token)).toBeUndefined();
  });

  it('is refused while the clock says it was issued more than five seconds from now', async () => {
    const { hub, token } = await opened();
    const restarted = () => sessionWorld({ store: hub.store, clock: hub.clock });
    expect(await restarted().who(token)).toBeDefined();
    const start = hub.clock.now();
    const floor = Math.floor(start / 1_000) * 1_000;
    hub.clock.jump(floor - 5_000 - start);
    expect(await restarted().who(token)).toBeDefined();
    hub.clock.jump(-1);
    expect(await restarted().who(token)).toBeUndefined();
    hub.clock.jump(365 * 86_400_000);
    expect(await restarted().who(token)).toBeUndefined();
  });

  it('holds after a restart, and on every hub of the store', async () => {
    const { hub, token } = await opened();
    expect(await sessionWorld({ store: hub.store, clock: hub.clock }).who(token)).toMatchObject({ id: 'a', method: 'session' });
  });

  it('is worth nothing on a hub of another store or another name', async () => {
    const { hub, token } = await opened();
    expect(await sessionWorld({ clock: hub.clock }).who(token)).toBeUndefined();
    expect(await sessionWorld({ store: hub.store, clock: hub.clock, sessions: { audience: 'https://other.example' } }).who(token)).toBeUndefined();
  });
});

describe('a session ends', () => {
  const ends: [string, (made: Awaited<ReturnType<typeof opened>>) => Promise<unknown>][] = [
    [
      'when the agent says so',
      async ({ hub, token }) => {
        const principal = await hub.who(token);
        if (principal !== undefined) expect(await hub.call(principal, 'session_end', {})).toEqual({ ended: true });
      },
    ],
    ['when the application says so', async ({ hub, token }) => hub.guard.sessions?.end(String(decodeJwt(token).jti))],
    ['when its key is removed', async ({ hub, member }) => hub.call(await hub.admin(), 'agent_key_remove', { agent_id: 'a', kid: member.pair.kid })],
    [
      'when its key is removed and added again',
      async ({ hub, member }) => {
        await hub.guard.agentKeys.remove('a', member.pair.kid);
        await hub.guard.agentKeys.add('a', member.pair.publicKey);
      },
    ],
    ['when the agent is removed', async ({ hub }) => hub.guard.agents.remove('a')],
    [
      'when the agent is removed and another has its name and its key',
      async ({ hub, member }) => {
        await hub.guard.agents.remove('a');
        hub.clock.advance(1);
        await hub.guard.agents.add({ name: 'a' });
        await hub.guard.agentKeys.add('a', member.pair.publicKey);
      },
    ],
  ];

  it.each(ends)('at once %s', async (_, end) => {
    const made = await opened();
    expect(await made.hub.who(made.token)).toBeDefined();
    await end(made);
    expect(await made.hub.who(made.token)).toBeUndefined();
    expect(await sessionWorld({ store: made.hub.store, clock: made.hub.clock }).who(made.token)).toBeUndefined();
  });

  it.each(ends)('T11: within five seconds on another hub of the store, %s', async (_, end) => {
    const made = await opened();
    const other = sessionWorld({ store: made.hub.store, clock: made.hub.clock });
    expect(await other.who(made.token)).toBeDefined();
    await end(made);
    made.hub.clock.advance(5_000);
    expect(await other.who(made.token)).toBeUndefined();
  });

  it('also where it is looked up while it ends', async () => {
    const { hub, token } = await opened();
    const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
    const { promise: ended, resolve: hasEnded } = Promise.withResolvers<void>();
    // A store whose answer was right when it was read, and arrives once it is not.
    const slow: typeof hub.store = Object.create(hub.store, {
      get: {
        value: async (key: string) => {
          const entry = await hub.store.get(key);
          if (key.startsWith('guardian/session-end/')) {
            isAsked();
            await ended;
          }
          return entry;
        },
      },
    });
    const other = sessionWorld({ store: slow, clock: hub.clock });
    const lookedUp = other.who(token);
    await asked;
    await other.guard.sessions?.end(String(decodeJwt(token).jti));
    hasEnded();
    await lookedUp;
    expect(await other.who(token)).toBeUndefined();
  });

  it('alone: the others of the agent go on', async () => {
    const { hub, member, token } = await opened();
    const { session_token: second } = await handshake(hub, member);
    await hub.guard.sessions?.end(String(decodeJwt(token).jti));
    expect(await hub.who(second)).toMatchObject({ id: 'a' });
  });

  it('only by its own token: a key has no session to end', async () => {
    const { hub, member, token } = await opened();
    expect(await hub.call(member.principal, 'session_end', {})).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await hub.who(token)).toBeDefined();
  });
});

describe("the hub's own key", () => {
  it('is changed without ending sessions, and verifies for as long as they can last', async () => {
    const { hub, member, token } = await opened({ sessions: { ttlMs: 900_000 } });
    const rotated = await hub.guard.sessions?.rotateKey();
    const { session_token: after } = await handshake(hub, member);
    expect(decodeProtectedHeader(String(after)).kid).toBe(rotated?.kid);
    expect(decodeProtectedHeader(token).kid).not.toBe(rotated?.kid);
    const fresh = sessionWorld({ store: hub.store, clock: hub.clock });
    hub.clock.advance(899_000);
    for (const each of [token, after]) expect(await fresh.who(each)).toMatchObject({ id: 'a' });
    await hub.guard.sessions?.rotateKey();
    hub.clock.advance(6_000);
    await hub.guard.sessions?.rotateKey();
    const kept = await hub.store.get('guardian/session-keys');
    expect(kept?.value as unknown as { keys: unknown[] }).toHaveProperty('keys.length', 3);
  });

  it('signs nothing that is taken once it has retired', async () => {
    const { hub, member, token } = await opened();
    const sign = await forger(hub);
    const forged = () => sign(JSON.stringify(decodeProtectedHeader(token)), JSON.stringify(goodClaims(hub, member.pair.kid, String(decodeJwt(token).key))));
    await hub.guard.sessions?.rotateKey();
    const other = sessionWorld({ store: hub.store, clock: hub.clock });
    hub.clock.advance(904_999);
    expect(await other.who(await forged())).toBeDefined();
    hub.clock.advance(1);
    expect(await other.who(await forged())).toBeUndefined();
  });

  it('is taken up by other hubs of the store at once', async () => {
    const { hub, member, token } = await opened();
    const other = sessionWorld({ store: hub.store, clock: hub.clock });
    expect(await other.who(token)).toBeDefined();
    const rotated = await hub.guard.sessions?.rotateKey();
    const { session_token: after } = await handshake(hub, member);
    expect(await other.who(after)).toBeDefined();
    const { session_token: theirs } = await handshake(other, member);
    expect(decodeProtectedHeader(String(theirs)).kid).toBe(rotated?.kid);
  });

  it('is one, however many hubs of a store start at once', async () => {
    const clock = manualClock();
    const store = createMemoryStore({ clock });
    const hubs = Array.from({ length: 5 }, () => sessionWorld({ store, clock }));
    const [first] = hubs;
    const member = await first?.member('a');
    if (member === undefined) throw new Error('there is no hub');
    const answers = await Promise.all(hubs.map((hub) => handshake(hub, member)));
    expect(new Set(answers.map(({ session_token: token }) => decodeProtectedHeader(String(token)).kid)).size).toBe(1);
  });

  it('is read once for a flood of names nobody knows', async () => {
    const { hub } = await opened();
    const sign = await forger(hub);
    let reads = 0;
    const counting = {
      ...hub.store,
      get: (key: string) => {
        if (key === 'guardian/session-keys') reads += 1;
        return hub.store.get(key);
      },
    };
    const other = sessionWorld({ store: counting as typeof hub.store, clock: hub.clock });
    const unknown = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        sign(`{"alg":"EdDSA","typ":"meshwork-session+jwt","kid":"k${index}"}`, JSON.stringify(goodClaims(hub, 'x'.repeat(43)))),
      ),
    );
    expect(await Promise.all(unknown.map((token) => other.who(token)))).toEqual(unknown.map(() => undefined));
    expect(reads).toBe(1);
  });
});

function goodClaims({ clock }: SessionWorld, jkt: string, key = '0'.repeat(16)) {
  const now = Math.floor(clock.now() / 1_000);
  return { iss: 'meshwork', aud: audience, sub: 'a', jti: 'ses_forged', iat: now, nbf: now, exp: now + 300, cnf: { jkt }, key, par: { by: 'api-key' } };
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe('T02, T03, T04, T05, T06: hostile tokens', () => {
  it('are refused, each, and the token they were made from is not', { timeout: 60_000 }, async () => {
    const { hub, member, token } = await opened();
    const sign = await forger(hub);
    const [head = '', body = '', signature = ''] = token.split('.');
    const header = decodeProtectedHeader(token) as Record<string, unknown>;
    const claims = decodeJwt(token) as Record<string, unknown>;
    const key = String(claims.key);
    const now = Math.floor(hub.clock.now() / 1_000);
    const hostile = new Map<string, string>();
    const add = (name: string, text: string) => {
      expect(hostile.has(name), name).toBe(false);
      expect(text, name).not.toBe(token);
      hostile.set(name, text);
    };
    const addSigned = async (name: string, changedHeader: string, changedClaims: string) => add(name, await sign(changedHeader, changedClaims));
    const addClaims = (name: string, change: object) => addSigned(name, JSON.stringify(header), JSON.stringify({ ...claims, ...change }));
    const addHeader = (name: string, change: object) => addSigned(name, JSON.stringify({ ...header, ...change }), JSON.stringify(claims));
    // Control: what the forger signs without a change is good, so each refusal below is for what was changed.
    expect(await hub.who(await sign(JSON.stringify(header), JSON.stringify({ ...claims, jti: 'ses_control' })))).toMatchObject({
      id: 'a',
      credentialId: 'ses_control',
    });
    expect(await hub.who(await sign(JSON.stringify(header), JSON.stringify(goodClaims(hub, member.pair.kid, key))))).toBeDefined();

    // One token, other texts (base64url that is not canonical).
    for (const [part, text] of [head, body, signature].entries()) {
      const whole = (changed: string) => [head, body, signature].map((each, at) => (at === part ? changed : each)).join('.');
      for (const [name, changed] of Object.entries({
        '=': `${text}=`,
        '==': `${text}==`,
        'space before': ` ${text}`,
        'space after': `${text} `,
        'newline inside': `${text.slice(0, 9)}\n${text.slice(9)}`,
        'tab inside': `${text.slice(0, 9)}\t${text.slice(9)}`,
        'null byte': `${text}\0`,
        '%': `${text}%3D`,
        '+': `+${text.slice(1)}`,
        '/': `/${text.slice(1)}`,
        'full-width': `${text.slice(0, -1)}Ａ`,
        empty: '',
        twice: text + text,
      }))
        add(`part ${part}, ${name}`, whole(changed));
      for (const character of alphabet)
        if (character !== text.slice(-1)) add(`part ${part}, last character ${character}`, whole(text.slice(0, -1) + character));
    }
    for (const [name, text] of Object.entries({
      'two parts': `${head}.${body}`,
      'four parts': `${token}.${signature}`,
      'five parts': `${token}.a.b`,
      'dots only': '..',
      'a dot before': `.${token}`,
      'a dot after': `${token}.`,
      quoted: `"${token}"`,
      'with the scheme': `Bearer ${token}`,
      'upper case': token.toUpperCase(),
      'JSON serialization': JSON.stringify({ protected: head, payload: body, signature }),
      'very long': `${head}.${'A'.repeat(1_000_000)}.${signature}`,
      'very many dots': '.'.repeat(1_000_000),
      'a megabyte of parts': `${'a.'.repeat(500_000)}a`,
    }))
      add(name, text);

    // Algorithms, with signatures that would fit them.
    const bytes = new Uint8Array(Buffer.from(String((await keyOf(hub)).x), 'base64url'));
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      for (const [with_, secret] of [
        ['public key', bytes],
        ['its text', new TextEncoder().encode(Buffer.from(bytes).toString('base64url'))],
        ['zeros', new Uint8Array(32)],
      ] as const) {
        const mac = await crypto.subtle.importKey('raw', secret as Uint8Array<ArrayBuffer>, { name: 'HMAC', hash: `SHA-${alg.slice(2)}` }, false, ['sign']);
        const input = `${Buffer.from(JSON.stringify({ ...header, alg })).toString('base64url')}.${body}`;
        const made = await crypto.subtle.sign('HMAC', mac, new TextEncoder().encode(input));
        add(`${alg} with ${with_}`, `${input}.${Buffer.from(made).toString('base64url')}`);
      }
    }
    for (const alg of [
      'none',
      'None',
      'NONE',
      'nOnE',
      '',
      'eddsa',
      'Ed25519',
      'Ed448',
      'ES256',
      'ES384',
      'ES512',
      'ES256K',
      'RS256',
      'RS512',
      'PS256',
      'EdDSA ',
      'dir',
      1,
      null,
      ['EdDSA'],
      { a: 1 },
      true,
    ])
      await addHeader(`alg ${JSON.stringify(alg)}`, { alg });
    for (const alg of ['none', 'None', 'HS256', 'RS256', 'ES256']) {
      const changed = Buffer.from(JSON.stringify({ ...header, alg })).toString('base64url');
      add(`alg ${alg}, unsigned`, `${changed}.${body}.`);
      add(`alg ${alg}, signature kept`, `${changed}.${body}.${signature}`);
    }

    // Which key, and what points to another.
    for (const kid of [
      '',
      '../../etc/passwd',
      "' OR 1=1 --",
      '__proto__',
      'constructor',
      'toString',
      'k'.repeat(65),
      'k',
      '/dev/null',
      'a\u0000b',
      'https://evil.example/key',
      1,
      null,
      [header.kid],
      { kid: header.kid },
      `${header.kid} `,
      String(header.kid).toLowerCase(),
    ])
      await addHeader(`kid ${JSON.stringify(kid)}`, { kid });
    const { kid: _, ...withoutKid } = header;
    await addSigned('no kid', JSON.stringify(withoutKid), JSON.stringify(claims));
    for (const [name, value] of Object.entries({
      jku: 'https://evil.example/jwks.json',
      x5u: 'https://evil.example/cert.pem',
      jwk: { kty: 'OKP', crv: 'Ed25519', x: member.pair.publicKey.x },
      x5c: ['MIIB'],
      x5t: 'abc',
      crit: ['exp'],
      b64: false,
      zip: 'DEF',
      cty: 'JWT',
      enc: 'A256GCM',
      epk: {},
      unknown: 1,
    }))
      await addHeader(`header with ${name}`, { [name]: value });

    // Which kind of token.
    for (const typ of [
      'JWT',
      'at+jwt',
      'dpop+jwt',
      'oauth-id-jag+jwt',
      'application/meshwork-session+jwt',
      'Meshwork-Session+JWT',
      'meshwork-session+jwt ',
      'meshwork-session',
      '',
      null,
      1,
      ['meshwork-session+jwt'],
    ])
      await addHeader(`typ ${JSON.stringify(typ)}`, { typ });
    const { typ: __, ...withoutTyp } = header;
    await addSigned('no typ', JSON.stringify(withoutTyp), JSON.stringify(claims));

    // Claims that are missing, of another kind, or of somebody else.
    for (const name of Object.keys(claims)) {
      const { [name]: ___, ...rest } = claims;
      await addSigned(`without ${name}`, JSON.stringify(header), JSON.stringify(rest));
      for (const value of [null, 0, -1, 1.5, true, '', ' ', [], {}, [claims[name]], { a: claims[name] }, `${claims[name]}\u200b`, 'x'.repeat(300)])
        await addClaims(`${name}: ${JSON.stringify(value)}`, { [name]: value });
    }
    for (const aud of [
      [audience],
      [audience, 'https://other.example'],
      `${audience}/`,
      audience.toUpperCase(),
      audience.replace('https', 'http'),
      `${audience} `,
      '*',
    ])
      await addClaims(`aud ${JSON.stringify(aud)}`, { aud });
    for (const iss of ['Meshwork', 'meshwork ', 'https://idp.example', audience]) await addClaims(`iss ${JSON.stringify(iss)}`, { iss });
    for (const sub of ['b', 'admin', 'A', 'а', 'a\u200b', '../a', '*', '__proto__', 'a b', 'ａ']) await addClaims(`sub ${JSON.stringify(sub)}`, { sub });
    for (const jkt of ['A'.repeat(43), `${member.pair.kid}=`, ` ${member.pair.kid}`, member.pair.kid.slice(1)]) await addClaims(`jkt ${jkt}`, { cnf: { jkt } });
    await addClaims('cnf with more', { cnf: { jkt: member.pair.kid, jwk: {} } });
    await addClaims('cnf x5t', { cnf: { 'x5t#S256': member.pair.kid } });
    await addClaims('key of another addition', { key: 'f'.repeat(16) });
    for (const chb of ['dGhlcmU', '', 1, null, 'x'.repeat(200)]) await addClaims(`chb ${JSON.stringify(chb)}`, { chb });
    for (const scopes of ['read', [1], {}, null, [null], [['read']]]) await addClaims(`scopes ${JSON.stringify(scopes)}`, { scopes });
    for (const owner of [1, [], {}, null, true]) await addClaims(`owner ${JSON.stringify(owner)}`, { owner });
    for (const name of ['roles', 'scope', 'admin', 'zone', 'trust', 'actsFor', 'client_id', 'constructor', 'toString', 'crit'])
      await addClaims(`more: ${name}`, { [name]: 'admin' });

    // Times.
    for (const name of ['exp', 'nbf', 'iat'] as const) {
      const rest = JSON.stringify({ ...claims, [name]: undefined }).slice(1, -1);
      const good = Number(claims[name]);
      for (const literal of [
        `"${good}"`,
        `${good}.5`,
        '1e400',
        '-1e400',
        '1e300',
        '9007199254740993',
        '253402300800',
        `-${good}`,
        `[${good}]`,
        `{"$date":${good}}`,
        'NaN',
        'Infinity',
        `0${good}`,
        `+${good}`,
        `0x${good.toString(16)}`,
        `${good}n`,
        'true',
      ])
        await addSigned(`${name} ${literal}`, JSON.stringify(header), `{${rest},"${name}":${literal}}`);
    }
    await addClaims('expired', { iat: now - 400, nbf: now - 400, exp: now - 5 });
    await addClaims('not yet', { iat: now + 6, nbf: now + 6, exp: now + 60 });
    await addClaims('not before later', { nbf: now + 6 });
    await addClaims('longer than sessions are', { exp: now + 901 });
    await addClaims('expires before it is issued', { iat: now, exp: now - 1 });
    await addClaims('expires when it is issued', { exp: claims.iat });
    const par = claims.par as object;
    for (const other of [
      { ...par, by: 'nobody' },
      { ...par, by: undefined },
      { ...par, key: 'x' },
      { ...par, exp: '9' },
      { ...par, more: 1 },
      { ...par, key: '0'.repeat(16) },
    ])
      await addClaims(`par: ${JSON.stringify(other)}`, { par: other });

    // JSON that two readers read in two ways.
    for (const name of Object.keys(claims)) {
      const text = JSON.stringify(claims);
      const member_ = `"${name}":${JSON.stringify(claims[name])}`;
      await addSigned(`twice the same: ${name}`, JSON.stringify(header), `{${member_},${text.slice(1)}`);
      await addSigned(`twice, escaped: ${name}`, JSON.stringify(header), `{"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}":"x",${text.slice(1)}`);
    }
    for (const name of Object.keys(header))
      await addSigned(`header twice: ${name}`, `{"${name}":${JSON.stringify(header[name])},${JSON.stringify(header).slice(1)}`, JSON.stringify(claims));
    const open = JSON.stringify(claims).slice(0, -1);
    for (const [name, text] of Object.entries({
      __proto__literal: `${open},"__proto__":{"kind":"user"}}`,
      'proto in cnf': `${open.replace('"cnf":{', '"cnf":{"__proto__":{},')}}`,
      'a comment': `${open}/**/}`,
      'a comma too many': `${open},}`,
      'two values': `${open}}{}`,
      'an array': `[${open}}]`,
      'a byte order mark': `\ufeff${open}}`,
      'single quotes': `${open}}`.replaceAll('"', "'"),
      'a lone surrogate': `${open},"x":"\\ud800"}`,
      deep: `${open},"x":${'['.repeat(500)}${']'.repeat(500)}}`,
      wide: `${open},${Array.from({ length: 250 }, (____, at) => `"m${at}":0`).join()}}`,
      null: 'null',
      text: '"text"',
      nothing: '',
    }))
      await addSigned(`claims: ${name}`, JSON.stringify(header), text);

    // Right in all but who signed.
    const stranger = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
    add("a stranger's signature", await new SignJWT(claims).setProtectedHeader(header as { alg: string }).sign(stranger.privateKey));
    const own = await importJWK({ ...member.pair.privateKey }, 'EdDSA');
    add("the agent's own signature", await new SignJWT(claims).setProtectedHeader(header as { alg: string }).sign(own));
    add("the agent's own signature and kid", await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'EdDSA', kid: member.pair.kid }).sign(own));
    const raw = Buffer.from(signature, 'base64url');
    for (let bit = 0; bit < 512; bit += 16) {
      const flipped = Buffer.from(raw);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      add(`signature with bit ${bit} flipped`, `${head}.${body}.${flipped.toString('base64url')}`);
    }
    add('a signature of zeros', `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`);
    add('a short signature', `${head}.${body}.${raw.subarray(0, 63).toString('base64url')}`);
    add('a long signature', `${head}.${body}.${Buffer.concat([raw, raw.subarray(0, 1)]).toString('base64url')}`);

    const accepted: string[] = [];
    // Before and after the good one is in the cache.
    for (let round = 0; round < 2; round++) {
      for (const [name, text] of hostile) if ((await hub.who(text)) !== undefined) accepted.push(name);
      expect(await hub.who(token)).toMatchObject({ id: 'a' });
    }
    expect(accepted).toEqual([]);
    expect(hostile.size).toBeGreaterThanOrEqual(400);
    console.log(`hostile session tokens: ${hostile.size}, all refused`);
  });
});
