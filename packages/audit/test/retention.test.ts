import { type CheckpointPlace, type SignedCheckpoint, signNote } from '@meshwork/audit';
import { verifyExport } from '@meshwork/audit/offline';
import { createMemoryStore } from '@meshwork/core';
import { collect } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { createLogWorld, createTestSigner, inPieces } from './support/log-world.ts';

const HOUR = 3_600_000;

/** A place outside that keeps what it gets. */
function createShelf(): CheckpointPlace & { readonly kept: SignedCheckpoint[] } {
  const kept: SignedCheckpoint[] = [];
  return { name: 'shelf', kept, put: async (checkpoint) => void kept.push(checkpoint) };
}

describe('retention', () => {
  it('drops what is older than the age, and no younger record with it', async () => {
    const { log, calls, clock, store, stream } = createLogWorld({ checkpoints: { signer: createTestSigner() }, retention: { maxAgeMs: 2.5 * HOUR } });
    for (let hour = 0; hour < 4; hour++) {
      await calls(10);
      await log.checkpoint();
      clock.advance(HOUR);
    }
    expect(await log.trim()).toEqual({ dropped: 20, keptFrom: 21 });
    const oldest = (await log.list({ limit: 100 })).at(-1);
    expect(clock.now() - Date.parse(oldest?.time ?? '')).toBeLessThanOrEqual(2.5 * HOUR);
    expect(await log.trim()).toEqual({ dropped: 0, keptFrom: 21 });
    // Of the checkpoints only those from where the log begins are left, and the anchor.
    expect(await collect(store.read(`${stream}/checkpoints`))).toHaveLength(4);
    clock.advance(100 * HOUR);
    await log.checkpoint();
    await log.trim();
    // The record the next one is chained to stays.
    expect((await collect(store.read(stream))).length).toBeGreaterThan(0);
    await calls(1);
    expect(await log.verify()).toMatchObject({ ok: true });
  });

  it('drops nothing while one of the places has no checkpoint of it, and tells why', async () => {
    const errors: unknown[] = [];
    const shelf = createShelf();
    let isBroken = true;
    const broken: CheckpointPlace = { name: 'broken', put: () => (isBroken ? Promise.reject(new Error('full')) : Promise.resolve()) };
    const { log, calls } = createLogWorld({
      checkpoints: { signer: createTestSigner(), places: [shelf, broken] },
      retention: { maxRecords: 1 },
      onError: (error) => errors.push(error),
    });
    await calls(10);
    expect(await log.exportCheckpoint()).toMatchObject({ places: 1, checkpoint: { size: 10 } });
    await calls(10);
    expect(await log.trim()).toMatchObject({ dropped: 0 });
    expect(String(errors[0])).toContain('did not reach broken');
    isBroken = false;
    expect(await log.exportCheckpoint()).toMatchObject({ places: 2 });
    await calls(1);
    expect(await log.trim()).toMatchObject({ dropped: 20, keptFrom: 21 });
    expect(shelf.kept.map(({ size }) => size)).toEqual([10, 20]);
  });

  it('drops nothing of a log that does not hold', async () => {
    const { calls, store, stream } = createLogWorld();
    await calls(15);
    const records = await collect(store.read(stream));
    const bytes = records.map(({ value }) => value as Uint8Array);
    const forged = Buffer.from(Buffer.from(bytes[3]!).toString().replace('"ok"', '"no"'));
    const world = createLogWorld({ stream: 'forged', checkpoints: { signer: createTestSigner() }, retention: { maxRecords: 3 } });
    await world.store.append('forged', bytes.with(3, forged));
    await world.log.checkpoint();
    await world.calls(5);
    await expect(world.log.trim()).rejects.toThrow('record 4 was changed');
    expect(await collect(world.store.read('forged'))).toHaveLength(20);
  });

  it('is told from a trim by hand, at a checkpoint or not, and by an anchor that its key has not signed', async () => {
    const signer = createTestSigner();
    const { log, calls, store, stream } = createLogWorld({ checkpoints: { signer }, retention: { maxRecords: 12 } });
    for (let round = 0; round < 4; round++) {
      await calls(5);
      await log.checkpoint();
    }
    await log.trim();
    expect(await log.verify()).toMatchObject({ ok: true, keptFrom: 6, records: 15 });
    const [tenth] = await collect(store.read(stream, { from: 10, limit: 1 }));
    const hash = Buffer.from(tenth!.value as Uint8Array).toString('latin1', 0, 64);
    await store.trim(stream, 11);
    expect(await log.verify()).toMatchObject({ ok: false, problem: { kind: 'missing', offset: 1 } });

    const anchor = ['test-log', '10', Buffer.from(hash, 'hex').toString('base64'), `stream "${stream}"`, 'time 2026-01-01T00:00:00.000Z', 'kept-from 11', ''];
    const forged = await signNote(anchor.join('\n'), createTestSigner());
    await store.append(`${stream}/checkpoints`, [{ note: forged }, { note: 'nothing' }, 5]);
    expect(await log.verify()).toMatchObject({ ok: false, problem: { kind: 'missing', offset: 1 } });
    await store.append(`${stream}/checkpoints`, [{ note: await signNote(anchor.join('\n'), signer) }]);
    expect(await log.verify()).toMatchObject({ ok: true, keptFrom: 11 });
  });

  it('that ends between its anchor and the trim leaves a log that holds, and is done by the next', async () => {
    const store = createMemoryStore();
    let isCrashing = true;
    const crashing = new Proxy(store, {
      get(target, name, receiver) {
        if (name === 'trim' && isCrashing) return () => Promise.reject(new Error('crash'));
        return Reflect.get(target, name, receiver);
      },
    });
    const { log, calls } = createLogWorld({ store: crashing, checkpoints: { signer: createTestSigner() }, retention: { maxRecords: 4 } });
    for (let round = 0; round < 3; round++) {
      await calls(5);
      await log.checkpoint();
    }
    await expect(log.trim()).rejects.toThrow('crash');
    expect(await log.verify()).toMatchObject({ ok: true, records: 15 });
    isCrashing = false;
    expect(await log.trim()).toEqual({ dropped: 10, keptFrom: 11 });
    expect(await log.verify()).toMatchObject({ ok: true, records: 5, keptFrom: 11 });
  });

  it('says which checkpoints lie in what was dropped', async () => {
    const { log, calls, exported } = createLogWorld({ checkpoints: { signer: createTestSigner() }, retention: { maxRecords: 4 } });
    await calls(4);
    const early = await log.checkpoint();
    await calls(4);
    const border = await log.checkpoint();
    await calls(4);
    const late = await log.checkpoint();
    await log.trim();
    const checkpoints = [early, border, late];
    expect(await log.verify({ checkpoints })).toMatchObject({ ok: true, keptFrom: 9, notChecked: [4] });
    expect(await log.verify({ checkpoint: { ...border, hash: 'b'.repeat(64) } })).toMatchObject({ ok: false, problem: { kind: 'forked', offset: 8 } });
    const text = await exported();
    const keys = [(await log.publicKey()) ?? ''];
    expect(await verifyExport(inPieces(text), { checkpoints: [early, late], keys })).toMatchObject({ ok: true, keptFrom: 9, notChecked: [4] });
    expect(await verifyExport(inPieces(text), { checkpoints: [border] })).toMatchObject({ ok: true });
    expect(await verifyExport(inPieces(text), { checkpoints: [late] })).toMatchObject({
      ok: false,
      problem: { kind: 'missing', message: expect.stringContaining('--key') },
    });
    const forged = text.replace('"after":8', '"after":7');
    expect(await verifyExport(inPieces(forged), { keys })).toMatchObject({ ok: false });
  });

  it('takes the summaries of what it drops out of the index', async () => {
    const { log, calls, store, stream } = createLogWorld({ checkpoints: { signer: createTestSigner() } });
    await calls(2_500);
    const indexed = createLogWorld({ store, stream, index: store, checkpoints: { signer: createTestSigner() }, retention: { maxRecords: 100 } });
    await log.verify();
    await indexed.log.upkeep();
    expect(await collect(store.list(`audit-index/${stream}/`))).toHaveLength(2);
    await indexed.calls(200);
    await indexed.log.upkeep();
    expect(await collect(store.list(`audit-index/${stream}/`))).toHaveLength(0);
    expect(await indexed.log.list({ principal: 'tester', limit: 1_000 })).toHaveLength(200);
  });

  it('does not stop the next checkpoint when the newest was where it cut', async () => {
    const { log, calls } = createLogWorld({ checkpoints: { signer: createTestSigner() }, retention: { maxRecords: 5 } });
    await calls(10);
    await log.checkpoint();
    await calls(7);
    expect(await log.trim()).toEqual({ dropped: 10, keptFrom: 11 });
    expect(await log.checkpoint()).toMatchObject({ size: 17 });
  });

  it('does not hide from the next checkpoint that the rest was written anew', async () => {
    const signer = createTestSigner();
    const { log, calls, store, stream } = createLogWorld({ checkpoints: { signer }, retention: { maxRecords: 5 } });
    await calls(10);
    await log.checkpoint();
    await calls(7);
    await log.trim();
    const other = createLogWorld({ stream, checkpoints: { signer } });
    await other.calls(17);
    await other.store.trim(stream, 11);
    await other.store.append(
      `${stream}/checkpoints`,
      (await collect(store.read(`${stream}/checkpoints`))).map(({ value }) => value),
    );
    await expect(other.log.checkpoint()).rejects.toThrow('no longer contains record 10');
  });

  it('ends an export that has lost its next page, and says so', async () => {
    const { log, calls } = createLogWorld({ checkpoints: { signer: createTestSigner() }, retention: { maxRecords: 100 } });
    await calls(2_400);
    await log.checkpoint();
    const lines = log.exportChain()[Symbol.asyncIterator]();
    await lines.next();
    await calls(200);
    await log.trim();
    await expect(lines.next()).rejects.toThrow('record 1001 is gone; export it again');
  });
});
