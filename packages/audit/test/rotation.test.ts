import { type AuditSigner, createStoredKeys, openStoredSigner, signNote, verifierKeyOf } from '@meshwork/audit';
import { openCheckpoint, parseCheckpoints, verifyExport } from '@meshwork/audit/offline';
import { createMemoryStore } from '@meshwork/core';
import { collect } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { createLogWorld, createTestSigner, inPieces } from './support/log-world.ts';

/** A log whose key was replaced at record 10, with a checkpoint for every five of its twenty records. */
async function rotated(isCompromised = false) {
  const store = createMemoryStore();
  const shelf: string[] = [];
  const places = [{ name: 'shelf', put: async (checkpoint: object) => void shelf.push(JSON.stringify(checkpoint)) }];
  const world = createLogWorld({ store, stream: 'audit', checkpoints: { signer: createStoredKeys({ store, name: 'log' }), places } });
  const { log, calls, exported } = world;
  const old = await openStoredSigner({ store, name: 'log' });
  for (let size = 5; size <= 20; size += 5) {
    await calls(5);
    await log.exportCheckpoint();
    if (size === 10) await log.rotateKey({ isCompromised });
  }
  const text = await exported();
  const verify = (options: Parameters<typeof verifyExport>[1]) => verifyExport(inPieces(text), options);
  return { ...world, store, shelf, old, first: verifierKeyOf(old), second: (await log.publicKey()) ?? '', verify };
}

/** A note of the log, as its own are. */
function noteOf(size: number, hash: string, more: readonly string[], ...signers: [AuditSigner, ...AuditSigner[]]): Promise<string> {
  const lines = ['log', String(size), Buffer.from(hash, 'hex').toString('base64'), 'stream "audit"', 'time 2026-01-01T00:00:00.000Z', ...more];
  return signNote(`${lines.join('\n')}\n`, ...signers);
}

describe('a log whose key was replaced', () => {
  it('verifies with the first key as with the last, over both', async () => {
    const { shelf, first, second, verify, log } = await rotated();
    expect(first).not.toBe(second);
    for (const key of [first, second]) {
      const checkpoints = parseCheckpoints(shelf.join('\n'), [key]);
      expect(checkpoints.map(({ size }) => size)).toEqual([5, 10, 10, 15, 20]);
      expect(await verify({ checkpoints, keys: [key] })).toMatchObject({ ok: true, records: 20 });
      expect(await log.verify({ checkpoints })).toMatchObject({ ok: true });
    }
    // One that is signed with the second key, and only the first known: the file itself leads there.
    const last = shelf.at(-1) ?? '';
    expect(() => parseCheckpoints(last, [first])).toThrow('not signed by a key you trust');
    expect(await verify({ checkpoints: parseCheckpoints(last), keys: [first] })).toMatchObject({ ok: true });
    await expect(verify({ checkpoints: parseCheckpoints(last), keys: [verifierKeyOf(createTestSigner('log'))] })).rejects.toThrow('not signed by a key');
  });

  it('is signed by a note in which each key names the other', async () => {
    const { shelf, first, second } = await rotated();
    const { note = '' } = parseCheckpoints(shelf[2] ?? '')[0] ?? {};
    expect(note.split('\n\n')[0]).toMatch(/\nprevious-key \S+\nnext-key \S+$/);
    expect(note.split('\n\n')[1]?.match(/^— log /gm)).toHaveLength(2);
    for (const key of [first, second]) expect(openCheckpoint(note, [key])).toMatchObject({ size: 10, rotation: { previous: first, next: second } });
  });

  it('believes nothing the old key has signed for later records', async () => {
    const { shelf, old, first, second } = await rotated();
    const late = await noteOf(15, 'a'.repeat(64), [], old);
    const text = (more: string) => [...shelf, JSON.stringify({ stream: 'audit', size: 15, hash: 'a'.repeat(64), time: 'x', note: more })].join('\n');
    for (const key of [first, second]) expect(() => parseCheckpoints(text(late), [key])).toThrow('replaced before, at record 10');
  });

  it('does not follow a change that only one of the keys has signed', async () => {
    const { shelf, old, first, second } = await rotated();
    const thief = createTestSigner('log');
    const rotation = [`previous-key ${second}`, `next-key ${verifierKeyOf(thief)}`];
    const forged = [await noteOf(20, 'b'.repeat(64), rotation, thief), await noteOf(20, 'b'.repeat(64), rotation, old, thief)];
    const later = await noteOf(21, 'c'.repeat(64), [], thief);
    for (const note of forged) {
      const text = [...shelf, JSON.stringify({ stream: 'audit', size: 20, hash: 'b'.repeat(64), time: 'x', note })];
      const more = JSON.stringify({ stream: 'audit', size: 21, hash: 'c'.repeat(64), time: 'x', note: later });
      expect(() => parseCheckpoints([...shelf, more].join('\n'), [first])).toThrow('not signed by a key you trust');
      expect(() => parseCheckpoints([...text, more].join('\n'), [first])).toThrow();
    }
  });

  it('asks for the present key where two claim to follow the old one, and goes by it', async () => {
    const { shelf, old, first, second } = await rotated();
    const thief = createTestSigner('log');
    const note = await noteOf(10, 'b'.repeat(64), [`previous-key ${first}`, `next-key ${verifierKeyOf(thief)}`], old, thief);
    const text = [...shelf, JSON.stringify({ stream: 'audit', size: 10, hash: 'b'.repeat(64), time: 'x', note })].join('\n');
    expect(() => parseCheckpoints(text, [first])).toThrow('two keys claim to follow');
    const later = JSON.stringify({ stream: 'audit', size: 21, hash: 'c'.repeat(64), time: 'x', note: await noteOf(21, 'c'.repeat(64), [], thief) });
    expect(() => parseCheckpoints(`${text}\n${later}`, [second])).toThrow('not signed by a key you trust');
  });

  it('has no word of a key that was compromised, and verifies with the new one alone', async () => {
    const { shelf, first, second, verify, log } = await rotated(true);
    expect(shelf.join()).not.toContain('next-key');
    expect(() => parseCheckpoints(shelf.join('\n'), [second])).toThrow('not signed by a key you trust');
    await expect(verify({ checkpoints: parseCheckpoints(shelf.at(-1) ?? ''), keys: [first] })).rejects.toThrow('not signed by a key you trust');
    expect(await verify({ checkpoints: parseCheckpoints(shelf.slice(2).join('\n')), keys: [second] })).toMatchObject({ ok: true, records: 20 });
    expect(await log.verify()).toMatchObject({ ok: true });
  });

  it('says with the new key where it begins, also when the old one is believed no more', async () => {
    for (const isCompromised of [false, true]) {
      const store = createMemoryStore();
      const world = createLogWorld({ store, checkpoints: { signer: createStoredKeys({ store, name: 'log' }) }, retention: { maxRecords: 4 } });
      const { log, calls, exported } = world;
      await calls(5);
      await log.checkpoint();
      await calls(5);
      await log.trim();
      await log.rotateKey({ isCompromised });
      await calls(2);
      expect(await log.verify()).toMatchObject({ ok: true, keptFrom: 6, records: 7 });
      expect(await verifyExport(inPieces(await exported()), { keys: [(await log.publicKey()) ?? ''] })).toMatchObject({ ok: true, keptFrom: 6 });
      // The change outlives the trims after it.
      await log.checkpoint();
      await calls(5);
      await log.trim();
      await log.checkpoint();
      const again = createLogWorld({ store, stream: world.stream, checkpoints: { signer: createStoredKeys({ store, name: 'log' }) } });
      expect(await again.log.verify()).toMatchObject({ ok: true, keptFrom: 13 });
      expect((await collect(store.read(`${world.stream}/checkpoints`))).some(({ value }) => JSON.stringify(value).includes('next-key'))).toBe(!isCompromised);
    }
  });

  it('goes on after a crash between the change and its end', async () => {
    const store = createMemoryStore();
    const keys = createStoredKeys({ store, name: 'log' });
    const crashing = createLogWorld({ store, checkpoints: { signer: { ...keys, adopt: () => Promise.reject(new Error('crash')) } } });
    await crashing.calls(3);
    await expect(crashing.log.rotateKey()).rejects.toThrow('crash');
    const { log, calls } = createLogWorld({ store, stream: crashing.stream, checkpoints: { signer: keys } });
    await calls(3);
    const { note = '' } = await log.checkpoint();
    const key = (await log.publicKey()) ?? '';
    expect(openCheckpoint(note, [key])).toMatchObject({ size: 6 });
    expect(verifierKeyOf(await keys.open())).toBe(key);
    // Of the keys before nothing is left.
    expect(await collect(store.list('audit/next-signing-key/'))).toEqual([]);
  });

  it('takes the next key from whoever keeps it, and stops where the hub has another', async () => {
    const [first, second] = [createTestSigner('log'), createTestSigner('log')];
    const { log, calls, store, stream } = createLogWorld({ checkpoints: { signer: first } });
    await calls(2);
    await expect(log.rotateKey()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await log.rotateKey({ next: second })).toMatchObject({ previousKey: verifierKeyOf(first), publicKey: verifierKeyOf(second) });
    await calls(2);
    expect(openCheckpoint((await log.checkpoint()).note ?? '', [verifierKeyOf(second)])).toMatchObject({ size: 4 });
    const left = createLogWorld({ store, stream, checkpoints: { signer: first } });
    await expect(left.log.checkpoint()).rejects.toThrow('start the hub with that one');
    await expect(createLogWorld().log.rotateKey()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('keeps its keys sealed', async () => {
    const store = createMemoryStore();
    const keys = createStoredKeys({ store, name: 'log', pepper: new Uint8Array(32).fill(1) });
    const made = await keys.make();
    await expect(createStoredKeys({ store, name: 'log', pepper: new Uint8Array(32).fill(2) }).open(verifierKeyOf(made))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    await keys.adopt(verifierKeyOf(made));
    expect(verifierKeyOf(await keys.open())).toBe(verifierKeyOf(made));
    await expect(keys.open(verifierKeyOf(createTestSigner('log')))).rejects.toThrow('not in this store');
  });
});
