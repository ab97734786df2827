import { createMemoryStore, type Store } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';
import { decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { createKeySeal } from '../src/sessions/key-seal.ts';
import { handshake, type SessionWorld, sessionWorld } from './hub-with-sessions.ts';

const pepper = new TextEncoder().encode('a pepper that is not in the store, at all');
const other = new TextEncoder().encode('another pepper, which is as long as it is');

interface KeptPair {
  readonly kid: string;
  readonly jwk: { readonly x: string; readonly d?: string };
  readonly sealed?: string;
  readonly retiresAt?: number;
}

async function kept(store: Store): Promise<readonly KeptPair[]> {
  const entry = await store.get('guardian/session-keys');
  return (entry?.value as unknown as { keys?: readonly KeptPair[] } | undefined)?.keys ?? [];
}

function shared() {
  const clock = manualClock();
  const store = createMemoryStore({ clock });
  return { clock, store, hub: (options: { pepper?: Uint8Array } = {}) => sessionWorld({ store, clock, ...options }) };
}

/** A token that a hub signs for an agent of its own making, and the name of the key. */
async function signedBy(hub: SessionWorld, name: string) {
  const token = String((await handshake(hub, await hub.member(name))).session_token);
  return { token, kid: decodeProtectedHeader(token).kid };
}

describe('the key that signs session tokens, on a hub with a pepper', () => {
  it('is not in the store for whoever reads it, and signs for all hubs with that pepper, also after a restart', async () => {
    const { store, hub } = shared();
    const first = await signedBy(hub({ pepper }), 'a');
    const [pair, ...more] = await kept(store);
    expect([pair?.jwk, pair?.sealed, more]).toEqual([{ kty: 'OKP', crv: 'Ed25519', x: expect.any(String) }, expect.stringMatching(/^[\w-]{90,}$/), []]);
    expect(await createKeySeal(pepper).open(pair?.kid ?? '', pair?.sealed ?? '')).toMatch(/^[\w-]{43}$/);
    const again = hub({ pepper });
    expect(await again.who(first.token)).toMatchObject({ id: 'a' });
    expect((await signedBy(again, 'b')).kid).toBe(first.kid);
  });

  it('takes the place of one that anybody could read, whose tokens hold until they expire', async () => {
    const { store, hub, clock } = shared();
    const before = await signedBy(hub(), 'a');
    expect((await kept(store))[0]?.jwk.d).toBeDefined();
    const peppered = hub({ pepper });
    const after = await signedBy(peppered, 'b');
    expect(after.kid).not.toBe(before.kid);
    expect(await peppered.who(before.token)).toMatchObject({ id: 'a' });
    expect(JSON.stringify(await kept(store))).not.toContain('"d"');
    expect((await kept(store)).map(({ retiresAt }) => retiresAt)).toEqual([undefined, clock.now() + 905_000]);
  });

  it('is made anew when the pepper is another, and so it is without one; what was signed before holds', async () => {
    const { hub } = shared();
    const tokens = [await signedBy(hub({ pepper }), 'a'), await signedBy(hub({ pepper: other }), 'b'), await signedBy(hub(), 'c')];
    expect(new Set(tokens.map(({ kid }) => kid)).size).toBe(3);
    // Each was opened with an API key; only the one that was made without a pepper is one for a hub without it.
    expect(await hub().who(tokens[2]?.token)).toMatchObject({ id: 'c' });
    expect(await hub({ pepper: other }).who(tokens[1]?.token)).toMatchObject({ id: 'b' });
  });

  it('stays beside that of a hub that has no pepper yet, however often both sign', async () => {
    const { store, hub } = shared();
    const [plain, peppered] = [hub(), hub({ pepper })];
    await signedBy(plain, 'a0');
    const kids = new Set<unknown>();
    for (let turn = 1; turn <= 5; turn++) for (const each of [plain, peppered]) kids.add((await signedBy(each, `a${turn}${each === plain ? 'x' : 'y'}`)).kid);
    expect(kids.size).toBeLessThanOrEqual(3);
    expect((await kept(store)).length).toBeLessThanOrEqual(3);
    await peppered.guard.sessions?.rotateKey();
    expect(JSON.stringify(await kept(store))).not.toContain('"d"');
  });

  it('is one, however many hubs start at once', async () => {
    const { hub } = shared();
    const made = await Promise.all(Array.from({ length: 8 }, (_, index) => signedBy(hub({ pepper }), `a${index}`)));
    expect(new Set(made.map(({ kid }) => kid)).size).toBe(1);
  });
});

describe('a pair that has retired', () => {
  it('leaves nothing secret in the store, with a pepper or without', async () => {
    for (const options of [{}, { pepper }]) {
      const { store, hub } = shared();
      const made = hub(options);
      const { token } = await signedBy(made, 'a');
      await made.guard.sessions?.rotateKey();
      const [, retired] = await kept(store);
      expect(retired).toEqual({ kid: expect.any(String), jwk: { kty: 'OKP', crv: 'Ed25519', x: expect.any(String) }, retiresAt: expect.any(Number) });
      expect(await made.who(token)).toBeDefined();
    }
  });
});

describe('a sealed key', () => {
  it('opens with its pepper and under its name, and not when anything is changed', async () => {
    const seal = createKeySeal(pepper);
    const sealed = await seal.seal('name', 'secret');
    expect(await seal.open('name', sealed)).toBe('secret');
    expect(await createKeySeal(pepper).open('name', sealed)).toBe('secret');
    expect(await seal.open('nam', sealed)).toBeUndefined();
    expect(await createKeySeal(other).open('name', sealed)).toBeUndefined();
    expect(await seal.seal('name', 'secret')).not.toBe(sealed);
    for (let at = 0; at < sealed.length; at++) {
      const altered = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
      expect(await seal.open('name', altered)).toBeUndefined();
    }
    for (const wrong of ['', 'A', 'AAAA', `${sealed}=`, sealed.slice(0, 20)]) expect(await seal.open('name', wrong)).toBeUndefined();
  });
});
