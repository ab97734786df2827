import { createFetchHandler } from '@meshwork/transports/fetch';
import { describe, expect, it } from 'vitest';
import { sessionOf } from '../src/credentials.ts';
import { mcpRequest } from '../src/faces.ts';
import { twistsOf, wycheproofTokens } from '../src/hostile/credentials.ts';
import { createWorld } from '../src/world.ts';

/** Between two cases, so that no case counts as one of a flood. */
const BETWEEN_MS = 20;

async function openWorld() {
  const world = createWorld();
  const handler = createFetchHandler(world.hub, { authenticator: world.guard.authenticator, recorder: world.log.door });
  /** The status of a call with the credential, and what was recorded of it. */
  const show = async (credential: string) => {
    const { size } = await world.log.checkpoint();
    world.clock.advance(BETWEEN_MS);
    const call = mcpRequest('tools/call', { name: 'other_read', arguments: {} }, { host: '127.0.0.1', authorization: `Bearer ${credential}` });
    const { status } = await handler(new Request('http://127.0.0.1/mcp', call), { remoteAddress: '203.0.113.9' });
    return { status, records: (await world.log.checkpoint()).size - size };
  };
  return { world, show };
}

describe("T02, T05: credentials that are none (Wycheproof's only where ../shared/corpora exists)", () => {
  it('open nothing, and leave one record each', { timeout: 120_000 }, async () => {
    const { world, show } = await openWorld();
    const session = await sessionOf(world, 'alice');
    const { key } = await world.guard.keys.create({ agent: 'alice' });
    const vectors = wycheproofTokens();
    const hostile = new Set([...twistsOf(session), ...twistsOf(key), ...vectors]);
    const wrong: unknown[] = [];
    for (const credential of hostile) {
      const { status, records } = await show(credential);
      if (status !== 401 || records !== 1) wrong.push({ credential, status, records });
    }
    console.log(`${hostile.size} hostile credentials, ${vectors.length} of them Wycheproof's`);
    expect(wrong).toEqual([]);
    expect(hostile.size).toBeGreaterThan(vectors.length > 0 ? 1_200 : 700);
    // And the two that they were made of still open.
    for (const good of [session, key]) expect(await show(good)).toEqual({ status: 200, records: 1 });
    expect(await world.log.verify()).toMatchObject({ ok: true });
  });
});
