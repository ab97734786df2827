import { type AuditEvents, type AuditLog, audit } from '@meshwork/audit';
import { createHub, createMemoryJournal, inProcessPrincipal, type Journal } from '@meshwork/core';
import { collect } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { createLogWorld, createTestSigner } from './support/log-world.ts';

const NAMES = [
  'checkpoint-signed',
  'log-trimmed',
  'tamper-found',
  'verification-failed',
  'journal-silent',
  'journal-answers',
] as const satisfies (keyof AuditEvents)[];

function listen(log: AuditLog) {
  const told: [name: string, event: object][] = [];
  for (const name of NAMES) log.events.on(name, (event: object) => told.push([name, event]));
  return told;
}

describe('an audit log tells', () => {
  it('of each checkpoint it signs and of what it trims, once', async () => {
    const { log, calls } = createLogWorld({ checkpoints: { signer: createTestSigner() }, retention: { maxRecords: 1 } });
    log.events.on('checkpoint-signed', () => {
      throw new Error('a listener that fails');
    });
    const told = listen(log);
    await calls(5);
    const { size, hash, time } = await log.checkpoint();
    await log.checkpoint();
    await calls(1);
    await log.trim();
    await log.trim();
    expect(told).toEqual([
      ['checkpoint-signed', { size, hash, time }],
      ['log-trimmed', { dropped: 5, keptFrom: 6 }],
    ]);
  });

  it('of tampering, whether a check, a trim or a signature comes upon it', async () => {
    const { calls, store, stream } = createLogWorld();
    await calls(15);
    const bytes = (await collect(store.read(stream))).map(({ value }) => value as Uint8Array);
    const forged = Buffer.from(Buffer.from(bytes[3]!).toString().replace('"ok"', '"no"'));
    const world = createLogWorld({ stream: 'forged', checkpoints: { signer: createTestSigner() }, retention: { maxRecords: 3 } });
    const told = listen(world.log);
    await world.store.append('forged', bytes.with(3, forged));
    await world.log.checkpoint();
    await world.calls(5);
    await world.log.verify();
    await expect(world.log.trim()).rejects.toThrow('record 4 was changed');
    const found = ['tamper-found', { offset: 4, kind: 'edited', message: expect.stringContaining('record 4 was changed') }];
    expect(told.slice(1)).toEqual([found, found]);

    const cut = createLogWorld({ checkpoints: { signer: createTestSigner() } });
    const fork = listen(cut.log);
    await cut.calls(3);
    await cut.log.checkpoint();
    await cut.calls(2);
    // Not by retention: the record behind the signed one is gone too.
    await cut.store.trim(cut.stream, 5);
    await expect(cut.log.checkpoint()).rejects.toThrow('no longer contains record 3');
    expect(fork.slice(1)).toEqual([['tamper-found', { offset: 3, kind: 'forked', message: expect.stringContaining('no longer contains record 3') }]]);
  });

  it('of a check that did not come to its end, and not of one that was asked wrongly', async () => {
    const journal = createMemoryJournal();
    const frail: Journal = {
      ...journal,
      // biome-ignore lint/correctness/useYield: it never comes to one
      async *read() {
        throw new Error('the disk is gone');
      },
    };
    const log = audit({ journal: frail });
    const told = listen(log);
    await expect(log.verify()).rejects.toThrow('the disk is gone');
    const stranger = { stream: 'another', size: 1, hash: '0'.repeat(64), time: new Date(0).toISOString() };
    await expect(log.verify({ checkpoint: stranger })).rejects.toThrow();
    expect(told).toEqual([['verification-failed', { message: 'the disk is gone' }]]);
  });

  it('of a journal that has fallen silent and of one that answers again, once each', async () => {
    const journal = createMemoryJournal();
    const { promise: land, resolve } = Promise.withResolvers<void>();
    let isHanging = false;
    const hanging: Journal = {
      ...journal,
      append: async (...args) => {
        if (isHanging) await land;
        return journal.append(...args);
      },
      head: async (stream) => {
        if (isHanging) await land;
        return journal.head(stream);
      },
    };
    const log = audit({ journal: hanging, patienceMs: 100 });
    const told = listen(log);
    const hub = createHub({ modules: [log, { name: 'm', resources: [{ uri: 'a://b', name: 'b', read: () => ({ text: '' }) }] }] });
    const call = () => hub.call({ kind: 'resource', name: 'a://b', principal: inProcessPrincipal('p'), face: 'local' }).catch(() => {});
    await call();
    isHanging = true;
    await Promise.all([call(), call()]);
    expect(told).toEqual([['journal-silent', { patienceMs: 100 }]]);
    isHanging = false;
    resolve();
    await expect.poll(() => told.slice(1)).toEqual([['journal-answers', { silentMs: expect.any(Number) }]]);
  });
});
