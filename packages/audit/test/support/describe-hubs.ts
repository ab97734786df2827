import { audit, createStoredKeys, type SignedCheckpoint } from '@meshwork/audit';
import { parseCheckpoints, verifyExport } from '@meshwork/audit/offline';
import { createHub, inProcessPrincipal, type Store } from '@meshwork/core';
import { collect } from '@meshwork/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inPieces } from './log-world.ts';

const ROUNDS = 12;
const HUBS = 3;

let streams = 0;

/** What several hubs promise that write, sign and trim one log at once. `open` gives each a connection of its own to one store. */
export function describeHubs(name: string, open: () => Promise<Store>): void {
  describe(`three hubs with one log on ${name}`, () => {
    const stores: Store[] = [];
    beforeAll(async () => {
      for (let each = 0; each < HUBS; each++) stores.push(await open());
    });
    afterAll(() => Promise.all(stores.map((store) => store.close())));

    function start(retention?: { readonly maxRecords: number }) {
      const stream = `hubs-${process.pid}-${Date.now()}-${++streams}`;
      const errors: unknown[] = [];
      const shelf: SignedCheckpoint[] = [];
      const place = { name: 'shelf', put: async (checkpoint: SignedCheckpoint) => void shelf.push(checkpoint) };
      const hubs = stores.map((store) => {
        const checkpoints = { signer: createStoredKeys({ store, name: 'hubs' }), places: [place] };
        const log = audit({ journal: store, stream, checkpoints, ...(retention && { retention }), patienceMs: 60_000, onError: (error) => errors.push(error) });
        const hub = createHub({ modules: [log, { name: 'm', resources: [{ uri: 'a://b', name: 'b', read: () => ({ text: '' }) }] }] });
        const call = () => hub.call({ kind: 'resource', name: 'a://b', principal: inProcessPrincipal('p'), face: 'local' });
        return { log, hub, call, store };
      });
      const exported = async (of: (typeof hubs)[number]) => (await collect(of.log.exportChain())).join('');
      const book = () => collect(stores[0]!.read(`${stream}/checkpoints`));
      return { stream, hubs, errors, shelf, exported, book };
    }
    type World = ReturnType<typeof start>;

    async function work({ hubs }: World) {
      for (let round = 0; round < ROUNDS; round++)
        await Promise.all(hubs.flatMap(({ log, call }, at) => [...Array.from({ length: 5 + ((round + at) % 4) }, call), log.upkeep(), log.verify()]));
      return ROUNDS * 6.5 * HUBS;
    }

    it('sign one history: each checkpoint follows the one before, and all of them verify', async () => {
      const world = start();
      const { hubs, errors, shelf, exported, book } = world;
      await work(world);
      expect(errors).toEqual([]);
      const notes = (await book()).map(({ value }) => (value as { note: string }).note).join('\n');
      const key = (await hubs[0]!.log.publicKey())!;
      for (const { log } of hubs) expect(await log.publicKey()).toBe(key);
      const signed = shelf.map((checkpoint) => JSON.stringify(checkpoint)).join('\n');
      const checkpoints = parseCheckpoints(signed, [key]);
      expect(checkpoints.length).toBeGreaterThan(ROUNDS);
      const sizes = [...notes.matchAll(/^hubs\n(\d+)$/gm)].map(([, size]) => Number(size));
      // One after the other, none twice.
      expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b));
      for (const hub of hubs) {
        expect(await hub.log.verify({ checkpoints })).toMatchObject({ ok: true });
        expect(await verifyExport(inPieces(await exported(hub)), { checkpoints, keys: [key] })).toMatchObject({ ok: true });
      }
    });

    it('trim while the others write, sign, verify and trim: the log always holds, and begins at a signed anchor', async () => {
      const world = start({ maxRecords: 30 });
      const { stream, hubs, errors, shelf, exported } = world;
      const verdicts: unknown[] = [];
      const watched = hubs.map(({ log }) => ({
        ...log,
        verify: async () => {
          const verdict = await log.verify();
          if (!verdict.ok) verdicts.push(verdict.problem);
          return verdict;
        },
      }));
      const total = await work({ ...world, hubs: hubs.map((hub, at) => ({ ...hub, log: watched[at]! })) });
      expect(errors).toEqual([]);
      expect(verdicts).toEqual([]);
      const kept = await collect(stores[0]!.read(stream));
      expect(kept.length).toBeLessThan(total / 2);
      expect(kept.at(-1)?.offset).toBe(total);
      const key = (await hubs[0]!.log.publicKey())!;
      const checkpoints = parseCheckpoints(shelf.map((checkpoint) => JSON.stringify(checkpoint)).join('\n'), [key]);
      for (const hub of hubs) {
        expect(await hub.log.verify({ checkpoints })).toMatchObject({ ok: true, keptFrom: kept[0]?.offset, records: kept.length });
        expect(await verifyExport(inPieces(await exported(hub)), { checkpoints, keys: [key] })).toMatchObject({ ok: true, keptFrom: kept[0]?.offset });
      }
    });

    it('go on with another key as soon as one of them has replaced it', async () => {
      const { hubs, errors, shelf, exported } = start();
      const [first, second, third] = hubs as [World['hubs'][number], World['hubs'][number], World['hubs'][number]];
      await Promise.all(hubs.map(({ call }) => call()));
      await second.log.exportCheckpoint();
      const { previousKey, publicKey } = await first.log.rotateKey();
      await Promise.all(hubs.flatMap(({ call, log }) => [call(), log.upkeep()]));
      for (const { log } of hubs) expect(await log.publicKey()).toBe(publicKey);
      const again = await third.log.rotateKey();
      expect(again.previousKey).toBe(publicKey);
      await second.call();
      await second.log.exportCheckpoint();
      expect(errors).toEqual([]);
      const checkpoints = parseCheckpoints(shelf.map((checkpoint) => JSON.stringify(checkpoint)).join('\n'), [previousKey]);
      for (const key of [previousKey, publicKey, again.publicKey])
        expect(await verifyExport(inPieces(await exported(second)), { checkpoints, keys: [key] })).toMatchObject({ ok: true });
    });
  });
}
