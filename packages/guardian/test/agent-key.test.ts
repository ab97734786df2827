import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ConflictError, InvalidInputError, NotFoundError } from '@meshwork/core';
import { createAgentKey } from '@meshwork/guardian/agent';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it } from 'vitest';
import { isSignedBy, readPublicKey } from '../src/sessions/ed25519-key.ts';
import { sessionWorld } from './hub-with-sessions.ts';

const fromHex = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

/** All points whose order divides 8, and their encodings that are not canonical ("Taming the many EdDSAs", table 1). */
const smallOrder = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
];

describe("an agent's public key", () => {
  it('is named by its thumbprint, and is a JWK or its bytes', async () => {
    const { guard } = sessionWorld();
    await guard.agents.add({ name: 'a' });
    await guard.agents.add({ name: 'b' });
    const { kid, publicKey } = await createAgentKey();
    expect(kid).toBe(await calculateJwkThumbprint({ ...publicKey }));
    expect(await guard.agentKeys.add('a', publicKey)).toMatchObject({ kid, x: publicKey.x });
    expect(await guard.agentKeys.add('b', publicKey.x)).toMatchObject({ kid, x: publicKey.x });
    expect(await guard.agentKeys.list('a')).toHaveLength(1);
  });

  it.each(smallOrder)('is not a point of small order: %s', async (hex) => {
    const { guard } = sessionWorld();
    await guard.agents.add({ name: 'a' });
    await expect(guard.agentKeys.add('a', fromHex(hex))).rejects.toThrow(InvalidInputError);
  });

  it('is canonical: no height of p or more, on the curve or not', () => {
    // p + 2 to p + 18 in 255 bits, with either sign; those below p + 2 are of small order too.
    for (let low = 0xef; low <= 0xff; low++)
      for (const top of ['7f', 'ff']) expect(() => readPublicKey(fromHex(`${low.toString(16)}${'ff'.repeat(30)}${top}`)), `${low}`).toThrow(InvalidInputError);
  });

  const good = { kty: 'OKP', crv: 'Ed25519', x: 'fU0Of2FTpptiQrUiq77mhf2kQg-INLEIw72uNp71Sfo' };
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['text that is no base64url', 'not a key'],
    ['31 bytes', fromHex('11'.repeat(31))],
    ['33 bytes', fromHex('11'.repeat(33))],
    ['padding', `${good.x}=`],
    ['a twin text of the same bytes', good.x.replace(/o$/, 'p')],
    ['hexadecimal', '7d4d0e7f6153a69b6242b522abbee685fda4420f8834b108c3bdae369ef549fa'],
    ['a point off the curve', fromHex(`02${'00'.repeat(31)}`)],
    ['another kind', { ...good, kty: 'EC' }],
    ['another curve', { ...good, crv: 'X25519' }],
    ['no x', { kty: 'OKP', crv: 'Ed25519' }],
    ['a private key', { ...good, d: good.x }],
    ['a certificate beside', { ...good, x5u: 'https://evil.example' }],
    ['a list', [good]],
  ])('is not %s', (_, key) => {
    expect(readPublicKey(good)).toBe(good.x);
    expect(() => readPublicKey(key)).toThrow(InvalidInputError);
  });

  it('is one of four at most, and there once', async () => {
    const { guard } = sessionWorld();
    await guard.agents.add({ name: 'a' });
    const made = await Promise.all(Array.from({ length: 6 }, createAgentKey));
    const added = await Promise.allSettled(made.map(({ publicKey }) => guard.agentKeys.add('a', publicKey)));
    expect(added.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    expect(added.filter((each) => each.status === 'rejected' && each.reason instanceof InvalidInputError)).toHaveLength(2);
    const [first] = await guard.agentKeys.list('a');
    await expect(guard.agentKeys.add('a', first?.x)).rejects.toThrow(ConflictError);
    await guard.agentKeys.remove('a', String(first?.kid));
    await expect(guard.agentKeys.remove('a', String(first?.kid))).rejects.toThrow(NotFoundError);
    expect(await guard.agentKeys.list('a')).toHaveLength(3);
  });

  it('is that of an agent, and goes with it', async () => {
    const { guard, clock } = sessionWorld();
    const { publicKey } = await createAgentKey();
    await expect(guard.agentKeys.add('a', publicKey)).rejects.toThrow(NotFoundError);
    await guard.agents.add({ name: 'a' });
    await Promise.allSettled([guard.agentKeys.add('a', publicKey), guard.agents.remove('a')]);
    clock.advance(1);
    await guard.agents.add({ name: 'a' });
    expect(await guard.agentKeys.list('a')).toEqual([]);
  });

  it('is added, listed and removed by admins, never by the agent itself', async () => {
    const hub = sessionWorld();
    const [boss, a] = [await hub.admin(), await hub.member('a')];
    const { kid, publicKey } = await createAgentKey();
    for (const [tool, args] of [
      ['agent_key_add', { agent_id: 'a', public_key: publicKey }],
      ['agent_key_list', { agent_id: 'a' }],
      ['agent_key_remove', { agent_id: 'a', kid: a.pair.kid }],
    ] as const)
      expect(await hub.call(a.principal, tool, args)).toMatchObject({ code: 'DENIED' });
    expect(await hub.call(boss, 'agent_key_add', { agent_id: 'a', public_key: publicKey })).toMatchObject({ agent_id: 'a', kid, x: publicKey.x });
    expect(await hub.call(boss, 'agent_key_list', { agent_id: 'a' })).toMatchObject({ keys: [{ kid: a.pair.kid }, { kid }] });
    expect(await hub.call(boss, 'agent_key_remove', { agent_id: 'a', kid })).toEqual({ removed: true, kid });
  });
});

/** C2SP/wycheproof, Apache-2.0. Beside the repository, because it is large and not ours. */
const corpus = fileURLToPath(new URL('../../../../shared/corpora/wycheproof/ed25519_test.json', import.meta.url));

describe("Wycheproof's Ed25519 signatures", () => {
  it.skipIf(!existsSync(corpus))('are accepted when valid and refused when not (skipped where ../shared/corpora does not exist)', async () => {
    const { testGroups } = JSON.parse(readFileSync(corpus, 'utf8')) as {
      readonly testGroups: readonly {
        readonly publicKey: { readonly pk: string };
        readonly tests: readonly { readonly tcId: number; readonly msg: string; readonly sig: string; readonly result: string }[];
      }[];
    };
    const wrong: number[] = [];
    const count = { valid: 0, invalid: 0 };
    for (const { publicKey, tests } of testGroups) {
      const x = readPublicKey(fromHex(publicKey.pk));
      for (const { tcId, msg, sig, result } of tests) {
        if ((await isSignedBy(x, fromHex(sig), new Uint8Array(Buffer.from(msg, 'hex')))) !== (result === 'valid')) wrong.push(tcId);
        count[result === 'valid' ? 'valid' : 'invalid'] += 1;
      }
    }
    expect(wrong).toEqual([]);
    expect(count).toEqual({ valid: 88, invalid: 63 });
  });
});
