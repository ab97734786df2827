import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '@meshwork/core';
import { createKeyRing, type EncryptionKey, encryptStore } from '@meshwork/core/encrypted';
import { openSqlite } from '@meshwork/store-sqlite';
import { collect } from '@meshwork/testing';
import { expect, it } from 'vitest';
import { inFolder, meshwork } from './program.ts';

const keyOf = (id: string): EncryptionKey => ({ id, secret: randomBytes(32) });
const lineOf = ({ id, secret }: EncryptionKey) => `${id}:${Buffer.from(secret).toString('base64')}`;

it(
  'a store whose first key is new is rewrapped, and needs the old one no more once its records are gone or copied',
  () =>
    inFolder(async (folder) => {
      const [old, fresh] = [keyOf('k1'), keyOf('k2')];
      const path = join(folder, 'hub.db');
      const within = async <T>(keys: readonly EncryptionKey[], work: (store: Store) => Promise<T>, at = path): Promise<T> => {
        await using inner = await openSqlite({ path: at });
        return await work(encryptStore(inner, { keys: createKeyRing(keys) }));
      };
      const contentOf = async (store: Store) => [await collect(store.list('')), await collect(store.read('log'))].map((all) => all.map(({ value }) => value));
      const plain = join(folder, 'plain.db');
      await (await openSqlite({ path: plain })).close();
      const env = { OLD: lineOf(old), FRESH: lineOf(fresh), BOTH: `${lineOf(fresh)},${lineOf(old)}` };
      await meshwork(['migrate', '--from', `sqlite:${plain}`, '--to', `sqlite:${path}`, '--encrypt-with', 'env:OLD'], env);
      await within([old], async (store) => {
        for (let index = 0; index < 20; index++) await store.put(`plan/${index}`, { index });
        await store.append('log', ['first', 'second']);
      });
      const before = await within([old], contentOf);
      const rewrap = (keys: string, more: readonly string[] = ['--json']) =>
        meshwork(['store', 'rewrap', '--store', `sqlite:${path}`, '--encrypt-with', keys, ...more], env);

      expect((await rewrap('env:FRESH')).json).toMatchObject({ error: { code: 'ENCRYPTION_KEY_MISSING' } });
      const done = await rewrap('env:BOTH');
      expect(done).toMatchObject({ code: 0, json: { ok: true, key: 'k2', current: 0, stillNeeded: [{ key: 'k1', values: 0, records: 2, streams: 1 }] } });
      expect(done.json.rewrapped).toBeGreaterThan(20);
      // The values need the old key no more, its records do.
      expect(await within([fresh], async (store) => (await collect(store.list('plan/'))).length)).toBe(20);
      await expect(within([fresh], contentOf)).rejects.toMatchObject({ code: 'ENCRYPTION_KEY_MISSING' });
      expect((await rewrap('env:BOTH', [])).out).toContain('The key k1 is still needed, for 2 records in 1 streams.');

      const copy = join(folder, 'copy.db');
      const copied = await meshwork(
        ['migrate', '--from', `sqlite:${path}`, '--to', `sqlite:${copy}`, '--decrypt-with', 'env:BOTH', '--encrypt-with', 'env:FRESH', '--json'],
        env,
      );
      expect(copied).toMatchObject({ code: 0, json: { records: 2 } });
      expect((await within([fresh], contentOf, copy))[1]).toEqual(before[1]);

      await within([fresh, old], async (store) => {
        await store.append('log', ['third']);
        await store.trim('log', 3);
      });
      expect((await rewrap('env:BOTH')).json).toMatchObject({ rewrapped: 0, stillNeeded: [] });
      const [values, records] = await within([fresh], contentOf);
      expect([values, records]).toEqual([before[0], ['third']]);
      expect((await rewrap('env:FRESH', [])).out).toContain('No other key is needed any more');
    }),
  90_000,
);

it(
  'is refused where there is no store, none that is encrypted, or no key',
  () =>
    inFolder(async (folder) => {
      const file = join(folder, 'keys');
      await writeFile(file, lineOf(keyOf('k1')));
      const rewrap = (...more: string[]) => meshwork(['store', 'rewrap', ...more], {}, folder);
      expect(await rewrap('--data', folder)).toMatchObject({ code: 2, err: expect.stringContaining('--encrypt-with') });
      expect(await rewrap('--data', folder, '--encrypt-with', `file:${file}`)).toMatchObject({ code: 1, err: expect.stringContaining('there is no store') });
      const store = await openSqlite({ path: join(folder, 'hub.db') });
      await store.put('plain', 1);
      await store.close();
      expect(await rewrap('--data', folder, '--encrypt-with', `file:${file}`)).toMatchObject({ code: 1, err: expect.stringContaining('is not encrypted') });
    }),
  60_000,
);
