import { createHub, createMemoryStore, defineTool, type Principal, zoneTrust } from '@meshwork/core';
import { type AnomalyMode, type CredentialMoved, guardian } from '@meshwork/guardian';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createCredentialPlaces } from '../src/places/credential-places.ts';
import { placeOf } from '../src/places/place-of.ts';
import { engine } from './hub-with-guardian.ts';

const somebody: Principal = {
  id: 'a',
  kind: 'agent',
  roles: [],
  zone: 'trusted',
  trust: zoneTrust.trusted,
  method: 'oauth',
  actsFor: [],
  credentialId: 'token-1',
  address: '10.1.2.3',
};
const moved: Principal = { ...somebody, address: '10.9.8.7' };

/** What a write comes to, of a principal that was let in elsewhere. */
async function write(principal: Principal, mode: AnomalyMode) {
  const guard = guardian({ store: createMemoryStore(), engine, anomalies: { apiKeys: mode, sessions: mode, accessTokens: mode } });
  const events: CredentialMoved[] = [];
  guard.events.on('credential-moved', (event) => events.push(event));
  const tool = defineTool({
    name: 'w',
    description: 'w',
    category: 'other',
    effect: 'write',
    input: z.strictObject({}),
    output: z.object({}),
    run: () => ({}),
  });
  const hub = createHub({ modules: [guard, { name: 'things', tools: [tool] }] });
  const call = async (by: Principal) => {
    const answer = await hub.call({ name: 'w', arguments: {}, principal: by, face: 'local' });
    return answer.kind === 'tool' && answer.isError === true ? (answer.structuredContent as { message: string; policies?: string[] }) : 'ok';
  };
  const { address: _, ...inProcess } = somebody;
  await call(principal.address === undefined ? inProcess : { ...principal, address: '10.1.2.3' });
  const seen = await call(principal);
  await hub.close();
  return { seen, events };
}

describe('T08: an access token that is suddenly used from elsewhere', () => {
  it('only reads where the hub is set so, and its client is told to get a new one', async () => {
    const { seen, events } = await write(moved, 'step-up');
    expect(seen).toMatchObject({ policies: ['credential-place'], message: expect.stringContaining('get a new access token') });
    expect(events).toHaveLength(1);
    expect(await write(moved, 'record')).toMatchObject({ seen: 'ok', events: [{ credentialId: 'token-1', mode: 'record' }] });
    expect(await write(moved, 'off')).toEqual({ seen: 'ok', events: [] });
  });

  it.each<[string, Principal]>([
    ['is bound to a key', { ...moved, proven: ['jkt:x'] }],
    ['is a client certificate', { ...moved, method: 'certificate' }],
    ['has no address', { ...moved, address: undefined } as unknown as Principal],
    ['has no id, as a key given to the hub', { ...moved, method: 'api-key', credentialId: undefined } as unknown as Principal],
  ])('has not moved when it %s', async (_, principal) => {
    expect(await write(principal, 'step-up')).toEqual({ seen: 'ok', events: [] });
  });
});

describe('the place of a caller', () => {
  it.each([
    ['203.0.113.9', 'external', '203.0.113.0/24 (external)'],
    ['::ffff:203.0.113.9', 'external', '203.0.113.0/24 (external)'],
    ['2001:db8:0:1:2:3:4:5', 'external', '2001:db8:0:1::/64 (external)'],
    ['2001:db8::', 'trusted', '2001:db8:0:0::/64 (trusted)'],
    ['127.0.0.1', 'local', 'this machine'],
    ['nonsense', 'external', 'an unknown network (external)'],
    [undefined, 'external', undefined],
  ] as const)('of %s in the zone %s is %s', (address, zone, place) => {
    expect(placeOf({ zone, ...(address !== undefined && { address }) })).toBe(place);
  });
});

describe('T08: the memory of places', () => {
  it('is bounded, and keeps what is in use', () => {
    const places = createCredentialPlaces();
    places.moveOf(somebody);
    places.moveOf({ ...somebody, credentialId: 'idle' });
    for (let index = 0; index < 200_000; index += 1) {
      places.moveOf({ ...somebody, credentialId: `other-${index}` });
      if (index % 5_000 === 0) expect(places.moveOf(somebody)).toBeUndefined();
    }
    expect(places.moveOf(moved)).toMatchObject({ isNew: true });
    // Forgotten: where it is now is where it is first seen.
    expect(places.moveOf({ ...moved, credentialId: 'idle' })).toBeUndefined();
  });

  it('keeps eight places of a credential, however many it comes from', () => {
    const places = createCredentialPlaces();
    for (let net = 0; net < 1_000; net += 1) {
      const principal = { ...somebody, address: `10.${net >> 8}.${net & 255}.1` };
      places.moveOf(principal);
      places.settle(principal);
    }
    expect(places.moveOf({ ...somebody, address: '10.3.224.9' })).toBeUndefined();
    expect(places.moveOf({ ...somebody, address: '10.3.200.9' })).toMatchObject({ to: '10.3.200.0/24 (trusted)' });
  });
});
