import { rateLimits } from '@meshwork/transports/limits';
import { describe, expect, it } from 'vitest';
import type { Shown } from '../src/credentials.ts';
import { doorOf } from '../src/faces.ts';
import { post } from '../src/requests.ts';
import { startTokenIssuer } from '../src/token-issuer.ts';
import { createWorld, type World } from '../src/world.ts';

/** How many of three calls run. */
async function through(world: World, shown: Shown, address: string): Promise<number> {
  const { send, close } = doorOf(world, { ...shown, facts: { ...shown.facts, remoteAddress: address } }, 'external');
  let ran = 0;
  for (let at = 0; at < 3; at++) {
    const { status } = await send('/mcp/tools/other_read', post({}));
    expect([200, 429]).toContain(status);
    if (status === 200) ran += 1;
  }
  await close();
  return ran;
}

describe('T32: a caller that is over its limit', () => {
  it('is so with a new key, a second one, a certificate and an access token too, from wherever it calls', async () => {
    await using issuer = await startTokenIssuer();
    const world = createWorld({ issuer, modules: [rateLimits({ rules: [{ by: 'caller', points: 4, perMs: 3_600_000 }] })] });
    const { guard, clock } = world;
    const { key } = await guard.agents.add({ name: 'alice' });
    expect(await through(world, { key }, '203.0.113.9')).toBe(3);
    const rotated = (await guard.agents.rotate('alice')).key;
    expect(await through(world, { key: rotated }, '203.0.113.10')).toBe(1);
    const second = (await guard.keys.create({ agent: 'alice' })).key;
    const token = await issuer.tokenOf('alice', clock.now());
    const certificate = { names: ['URI:urn:meshwork:agent:alice'], thumbprint: 'A'.repeat(43) };
    for (const shown of [{ key: rotated }, { key: second }, { key: token }, { facts: { encrypted: true, certificate } }])
      expect(await through(world, shown, '198.51.100.1')).toBe(0);
    const bob = (await guard.agents.add({ name: 'bob' })).key;
    expect(await through(world, { key: bob }, '203.0.113.9')).toBe(3);
  });

  it('is so for a whole IPv6 network, and in any spelling of an IPv4 address, whichever agent calls', async () => {
    const world = createWorld({ modules: [rateLimits({ rules: [{ by: 'address', points: 4, perMs: 3_600_000 }] })] });
    const keyOf = async (name: string) => ({ key: (await world.guard.agents.add({ name })).key });
    const [alice, bob] = [await keyOf('alice'), await keyOf('bob')];
    expect(await through(world, alice, '2001:db8:1:2::1')).toBe(3);
    expect(await through(world, bob, '2001:db8:1:2:ffff::9')).toBe(1);
    expect(await through(world, bob, '2001:db8:1:3::1')).toBe(3);
    expect(await through(world, alice, '203.0.113.9')).toBe(3);
    expect(await through(world, bob, '::ffff:203.0.113.9')).toBe(1);
  });
});
