import { type AuditFilter, openStoredSigner } from '@meshwork/audit';
import { verifyExport } from '@meshwork/audit/offline';
import type { Store } from '@meshwork/core';
import { collect } from '@meshwork/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogWorld, createTestSigner, inPieces } from './log-world.ts';

/** What the audit log promises, whatever it is kept in. */
export function describeAudit(name: string, open: () => Promise<Store>): void {
  describe(`the audit log on ${name}`, () => {
    let store: Store;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    it('keeps a record of every call in one chain, also of many at once', async () => {
      const { log, calls } = createLogWorld({ store });
      await calls(700, (at) => [at % 3 === 0 ? 'a://denied' : 'a://works', `p${at % 7}`]);
      expect(await log.verify()).toMatchObject({ ok: true, records: 700 });
      expect((await log.list({ limit: 3 })).map(({ seq }) => seq)).toEqual([700, 699, 698]);
    });

    it('goes on with the chain after a restart', async () => {
      const { log, calls, stream } = createLogWorld({ store });
      await calls(5);
      await log.close?.();
      const again = createLogWorld({ store, stream });
      await again.calls(5);
      expect(await again.log.verify()).toMatchObject({ ok: true, records: 10 });
    });

    it('finds a record that was written by somebody else', async () => {
      const { log, calls, stream } = createLogWorld({ store });
      await calls(3);
      await store.append(stream, [{ any: 'thing' }]);
      expect(await log.verify()).toMatchObject({ ok: false, problem: { kind: 'inserted', offset: 4 } });
    });

    it('signs checkpoints with a key that is made once and found again', async () => {
      const signer = () => openStoredSigner({ store, name: 'stored', pepper: new Uint8Array(32).fill(7) });
      const { log, calls, stream } = createLogWorld({ store, checkpoints: { signer } });
      await calls(3);
      const checkpoint = await log.checkpoint();
      const again = createLogWorld({ store, stream, checkpoints: { signer } });
      expect(await again.log.publicKey()).toBe(await log.publicKey());
      expect(await again.log.checkpoint()).toEqual(checkpoint);
      await expect(openStoredSigner({ store, name: 'stored', pepper: new Uint8Array(32).fill(8) })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    });

    it('is verified across a trim, which goes no further than a checkpoint that left the hub', async () => {
      const signer = createTestSigner();
      let reachable = false;
      const place = { name: 'away', put: async () => (reachable ? undefined : Promise.reject(new Error('away'))) };
      const { log, calls, stream, exported } = createLogWorld({ store, checkpoints: { signer, places: [place] }, retention: { maxRecords: 5 } });
      await calls(10);
      await log.upkeep();
      expect(await collect(store.read(stream))).toHaveLength(10);
      reachable = true;
      await log.upkeep();
      await calls(8);
      await log.upkeep();
      expect((await collect(store.read(stream))).map(({ offset }) => offset)).toEqual([11, 12, 13, 14, 15, 16, 17, 18]);
      expect(await log.verify()).toMatchObject({ ok: true, records: 8, keptFrom: 11, head: { size: 18 } });
      const key = (await log.publicKey()) ?? '';
      expect(await verifyExport(inPieces(await exported()), { keys: [key] })).toMatchObject({ ok: true, records: 8, keptFrom: 11 });
      await calls(2);
      expect(await log.verify()).toMatchObject({ ok: true, records: 10 });
    });

    it('finds a trim that was not its own', async () => {
      const { log, calls, stream } = createLogWorld({ store, checkpoints: { signer: createTestSigner() } });
      await calls(10);
      await log.checkpoint();
      await calls(5);
      await store.trim(stream, 11);
      expect(await log.verify()).toMatchObject({ ok: false, problem: { kind: 'missing', offset: 1 } });
    });

    it('finds the same by its index as without it', async () => {
      const filler = createLogWorld({ store });
      const names = ['a://works', 'a://works', 'a://denied', 'a://breaks', 'a://none'] as const;
      await filler.calls(2_345, (at) => [names[(at * 7) % 5] ?? '', at % 400 === 13 ? 'rare' : `p${(at * 31) % 11}`]);
      const { stream } = filler;
      const { log } = createLogWorld({ store, stream, index: store });
      const start = Date.UTC(2026, 0, 1);
      const time = fc.integer({ min: -2, max: 12 }).map((seconds) => new Date(start + seconds * 1_000).toISOString());
      const filters = fc.record(
        {
          principal: fc.constantFrom('rare', 'p1', 'p2', 'nobody'),
          name: fc.constantFrom(...names),
          outcome: fc.constantFrom('ok', 'denied', 'failed', 'unknown-name', 'cancelled'),
          zone: fc.constantFrom('local', 'external'),
          kind: fc.constantFrom('resource', 'tool'),
          since: time,
          until: time,
          before: fc.integer({ min: 1, max: 2_500 }),
          limit: fc.integer({ min: 1, max: 1_500 }),
        },
        { requiredKeys: [] },
      ) as fc.Arbitrary<AuditFilter>;
      const text = async (of: typeof log, filter: AuditFilter) => (await collect(of.export({ ...filter, format: 'ndjson' }))).join('');
      await fc.assert(
        fc.asyncProperty(filters, async (filter) => {
          expect(await log.list(filter)).toEqual(await filler.log.list(filter));
          const { limit: _limit, ...whole } = filter;
          expect(await text(log, whole)).toBe(await text(filler.log, whole));
        }),
        { numRuns: 25 },
      );
      expect(await log.list({ principal: 'rare' })).toHaveLength(6);
      for (let second = -1; second <= 11; second++) {
        for (const border of ['since', 'until']) {
          const filter = { [border]: new Date(start + second * 1_000).toISOString(), limit: 3_000 };
          expect((await log.list(filter)).length, `${border} ${second}`).toBe((await filler.log.list(filter)).length);
        }
      }
      await store.trim(stream, 1_501);
      for (const filter of [{ principal: 'rare' }, { outcome: 'denied', limit: 1_000 }, { since: new Date(start).toISOString(), limit: 2_000 }] as const)
        expect(await log.list(filter)).toEqual(await filler.log.list(filter));
    }, 120_000);

    it('searches without an index that is damaged, and makes it anew', async () => {
      const { log, calls, stream } = createLogWorld({ store, index: store });
      await calls(1_200, (at) => ['a://works', at === 500 ? 'rare' : 'common']);
      await log.upkeep();
      const entries = await collect(store.list(`audit-index/${stream}/`));
      expect(entries).toHaveLength(1);
      await store.put(entries[0]!.key, { v: 1, columns: 'none' });
      expect((await log.list({ principal: 'rare' })).map(({ seq }) => seq)).toEqual([501]);
      expect((await store.get(entries[0]!.key))?.value).toMatchObject({ columns: { principal: { values: ['common', 'rare'] } } });
    });
  });
}
