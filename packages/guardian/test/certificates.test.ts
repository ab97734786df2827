import type { Connection } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { from, world } from './hub-with-guardian.ts';

const withNames = (names: string[], connection: Connection = from.external): Connection => ({
  ...connection,
  encrypted: true,
  certificate: { names, thumbprint: 'thumb' },
});
const certificates = [
  { name: 'URI:spiffe://example.org/agent/a', agent: 'a' },
  { name: 'DNS:a.example.org', agent: 'a' },
  { name: 'DNS:b.example.org', agent: 'b' },
  { name: 'URI:spiffe://example.org/admin', admin: true },
] as const;

describe('a client certificate', () => {
  it('says who an agent is, by its exact name, as long as the hub knows the agent', async () => {
    const { guard } = world({ certificates });
    const { authenticate } = guard.authenticator;
    const connection = withNames(['DNS:elsewhere.example.org', 'URI:spiffe://example.org/agent/a']);
    expect(await authenticate(undefined, connection)).toBeUndefined();
    await guard.agents.add({ name: 'a' });
    expect(await authenticate(undefined, connection)).toEqual({
      id: 'a',
      kind: 'agent',
      roles: [],
      zone: 'external',
      trust: 0.5,
      method: 'certificate',
      credentialId: 'thumb',
      actsFor: [],
      address: '203.0.113.9',
      proven: ['x5t#S256:thumb'],
    });
    await guard.agents.remove('a');
    expect(await authenticate(undefined, connection)).toBeUndefined();
  });

  it.each([
    [[]],
    [['DNS:a.example.org.']],
    [['DNS:A.example.org']],
    [['dns:a.example.org']],
    [['DNS:x, DNS:a.example.org']],
    [['URI:a.example.org']],
    [['URI:spiffe://example.org/agent/a/../b']],
    [['URI:spiffe://example.org/agent/*']],
    [['EMAIL:a.example.org']],
    // Of two parties.
    [['DNS:a.example.org', 'DNS:b.example.org']],
    [['DNS:a.example.org', 'URI:spiffe://example.org/admin']],
  ])('with the names %j is nobody’s', async (names) => {
    const { guard } = world({ certificates });
    for (const name of ['a', 'b']) await guard.agents.add({ name });
    expect(await guard.authenticator.authenticate(undefined, withNames(names))).toBeUndefined();
  });

  it('may be the admin’s', async () => {
    const { guard } = world({ certificates });
    expect(await guard.authenticator.authenticate(undefined, withNames(['URI:spiffe://example.org/admin'], from.local))).toMatchObject({
      id: 'admin',
      kind: 'user',
      roles: ['admin'],
      zone: 'local',
      method: 'certificate',
    });
  });

  it('does not stand against a key of the same party, and one of another is refused as impersonation', async () => {
    const { guard } = world({ certificates });
    const [a, b] = [await guard.agents.add({ name: 'a' }), await guard.agents.add({ name: 'b' })];
    const admin = await guard.createAdminKey();
    const connection = withNames(['DNS:a.example.org']);
    const { authenticate } = guard.authenticator;
    expect(await authenticate(a.key, connection)).toMatchObject({ id: 'a', method: 'api-key' });
    for (const key of [b.key, admin])
      await expect(authenticate(key, connection)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining('impersonation') });
    // A key that is nobody's is not made up for by a certificate.
    expect(await authenticate(`${a.key}x`, connection)).toBeUndefined();
    // A certificate that names nobody here says nothing against a key.
    expect(await authenticate(b.key, withNames(['DNS:elsewhere.example.org']))).toMatchObject({ id: 'b' });
    // One of two parties is enough to show a key of either, and of no third.
    expect(await authenticate(b.key, withNames(['DNS:a.example.org', 'DNS:b.example.org']))).toMatchObject({ id: 'b' });
    await expect(authenticate(admin, withNames(['DNS:a.example.org', 'DNS:b.example.org']))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('names its agent after a beginning that all have', async () => {
    const { guard } = world({ certificateAgents: 'urn:meshwork:agent:' });
    await guard.agents.add({ name: 'a' });
    const who = async (name: string) => (await guard.authenticator.authenticate(undefined, withNames([name])))?.id;
    expect(await who('URI:urn:meshwork:agent:a')).toBe('a');
    for (const name of ['b', 'A', 'а', '', 'admin', '../a', 'a ', 'a\0', '__proto__']) expect(await who(`URI:urn:meshwork:agent:${name}`)).toBeUndefined();
    expect(await who('DNS:urn:meshwork:agent:a')).toBeUndefined();
    expect(await who('URI:x:urn:meshwork:agent:a')).toBeUndefined();
  });

  it('means nothing to a hub that was not told of any', async () => {
    const { guard } = world();
    const { key } = await guard.agents.add({ name: 'b' });
    const connection = withNames(['URI:urn:meshwork:agent:a', 'DNS:a.example.org']);
    expect(await guard.authenticator.authenticate(undefined, connection)).toBeUndefined();
    expect(await guard.authenticator.authenticate(key, connection)).toMatchObject({ id: 'b' });
  });

  it('is refused in rules that are none', () => {
    for (const rules of [
      [{ name: 'a.example.org', agent: 'a' }],
      [{ name: 'DNS:', agent: 'a' }],
      [{ name: 'DNS:a' }],
      [{ name: 'DNS:a', agent: 'a', admin: true }],
      [
        { name: 'DNS:a', agent: 'a' },
        { name: 'DNS:a', agent: 'b' },
      ],
    ])
      expect(() => world({ certificates: rules as never })).toThrow(TypeError);
    expect(() => world({ certificateAgents: '' })).toThrow(TypeError);
    expect(() => world({ certificateAgents: 'agents' })).toThrow(TypeError);
  });
});

describe('zones', () => {
  const zoneOf = async (connection: Connection, options = {}) => {
    const { guard } = world(options);
    const { key } = await guard.agents.add({ name: 'a' });
    return (await guard.authenticator.authenticate(key, connection))?.zone;
  };
  const at = (remoteAddress: string, more: Partial<Connection> = {}): Connection => ({ via: 'http', encrypted: false, remoteAddress, ...more });

  it.each<[string, Partial<Connection>, string]>([
    ['127.0.0.1', {}, 'local'],
    ['127.0.0.1', { forwarded: 'known' }, 'external'],
    ['::1', { forwarded: 'known' }, 'external'],
    ['127.0.0.1', { forwarded: 'unknown' }, 'external'],
    ['10.1.2.3', { forwarded: 'known' }, 'trusted'],
    ['10.1.2.3', { forwarded: 'unknown' }, 'external'],
    ['203.0.113.9', { forwarded: 'known' }, 'external'],
    ['010.1.2.3', {}, 'external'],
    ['127.1', {}, 'external'],
    ['::127.0.0.1', {}, 'external'],
    ['::10.1.2.3', {}, 'external'],
    ['::ffff:0:127.0.0.1', {}, 'external'],
    ['64:ff9b::127.0.0.1', {}, 'external'],
    ['::FFFF:127.0.0.1', {}, 'local'],
    ['::ffff:010.1.2.3', {}, 'external'],
    ['0x7f000001', {}, 'external'],
    ['2130706433', {}, 'external'],
    ['', {}, 'external'],
  ])('are for %s with %j: %s', async (address, more, zone) => {
    expect(await zoneOf(at(address, more))).toBe(zone);
  });

  it('are lifted by a certificate only where the hub says so, and only from external', async () => {
    const certificate = { names: [], thumbprint: 'thumb' };
    expect(await zoneOf(at('203.0.113.9', { certificate }))).toBe('external');
    const lifts = { certificateZone: 'trusted' };
    expect(await zoneOf(at('203.0.113.9', { certificate }), lifts)).toBe('trusted');
    expect(await zoneOf(at('203.0.113.9'), lifts)).toBe('external');
    expect(await zoneOf(at('127.0.0.1', { certificate }), lifts)).toBe('local');
    expect(await zoneOf(at('203.0.113.9', { certificate, forwarded: 'unknown' }), lifts)).toBe('external');
  });
});
