import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createFetchHandler } from '@meshwork/transports/fetch';
import { describe, expect, it } from 'vitest';
import { sessionOf } from '../src/credentials.ts';
import { mcpRequest } from '../src/faces.ts';
import { createWorld } from '../src/world.ts';

/** C2SP/wycheproof, Apache-2.0. Beside the repository, because it is large and not ours. */
const corpus = fileURLToPath(new URL('../../../../shared/corpora/wycheproof/', import.meta.url));
const files = ['json_web_signature_test.json', 'json_web_key_test.json', 'json_web_crypto_test.json'];
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

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

/** Every text that is one edit away from a good one, or written as a careless decoder would still read it. */
function* twistsOf(good: string): Generator<string> {
  for (let at = 0; at < good.length; at++) {
    const was = ALPHABET.indexOf(good[at] ?? '');
    yield good.slice(0, at) + (ALPHABET[(was + 1) % 64] ?? '') + good.slice(at + 1);
    if (at % 8 === 0) yield good.slice(0, at) + good.slice(at + 1);
    if (at % 8 === 1) yield `${good.slice(0, at)}.${good.slice(at)}`;
  }
  for (const letter of ALPHABET) if (letter !== good.at(-1)) yield good.slice(0, -1) + letter;
  for (const end of ['=', '==', '.', '..', 'A', 'AA', '%00', '\u00a0']) yield good + end;
  for (const begin of ['.', '=', 'A', '%20']) yield begin + good;
  yield* [good.toUpperCase(), good.toLowerCase(), good.replaceAll('-', '+'), good.replaceAll('_', '/'), good + good].filter((text) => text !== good);
}

describe("credentials that are none (Wycheproof's only where ../shared/corpora exists)", () => {
  it('open nothing, and leave one record each', { timeout: 120_000 }, async () => {
    const { world, show } = await openWorld();
    const session = await sessionOf(world, 'alice');
    const { key } = await world.guard.agents.rotate('alice');
    const vectors = existsSync(corpus) ? files.flatMap(tokensIn) : [];
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

/** The tokens of a file that can stand in a header; no key of theirs is known to this hub. */
function tokensIn(file: string): string[] {
  const { testGroups } = JSON.parse(readFileSync(corpus + file, 'utf8')) as { testGroups: { tests: { jws?: unknown }[] }[] };
  const texts = testGroups.flatMap(({ tests }) => tests.map(({ jws }) => (typeof jws === 'string' ? jws : JSON.stringify(jws ?? ''))));
  return texts.filter((text) => /^[\x21-\x7e]+$/.test(text));
}
