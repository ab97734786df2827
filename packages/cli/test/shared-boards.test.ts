import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeWithEngine } from '@meshwork/test-engines';
import { Client as Database } from 'pg';
import { afterAll, expect, it } from 'vitest';
import { inFolder, meshwork, runHub } from './program.ts';

await describeWithEngine('postgres', (url) => {
  const schema = `meshwork_boards_${process.pid}_${Date.now()}`;
  afterAll(async () => {
    const database = new Database(url);
    await database.connect();
    await database.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await database.end();
  });

  it('boards of two hubs on one store: strong keys are one for both, the others are exchanged', () =>
    inFolder(async (folder) => {
      const store = `${url}?schema=${schema}`;
      const rules = [
        { prefix: 'lock/', level: 'strong' },
        { prefix: 'free/', level: 'chosen' },
      ];
      const boards = { main: { rules } };
      const configure = async (name: string, settings: object) => {
        const path = join(folder, `${name}.json`);
        await writeFile(path, JSON.stringify({ name, store, boards, ...settings }));
        return ['--config', path];
      };
      const one = await runHub(join(folder, 'data'), await configure('one', { peers: [{ name: 'two' }] }));
      const boss = { MESHWORK_SERVER: one.url, MESHWORK_KEY: one.adminKey };
      const added = await meshwork(['agent', 'add', 'two', '--json'], boss);
      const peers = [{ name: 'one', url: one.url, key: added.json.key }];
      const two = await runHub(join(folder, 'data'), await configure('two', { peers, syncEvery: '1s' }));
      const at = (hub: { readonly url: string }, ...args: string[]) =>
        meshwork(['board', ...args, '--json'], { MESHWORK_SERVER: hub.url, MESHWORK_KEY: one.adminKey });

      expect(await at(one, 'set', 'lock/deploy', '"ana"', '--absent')).toMatchObject({ code: 0 });
      expect(await at(two, 'set', 'lock/deploy', '"bo"', '--absent')).toMatchObject({ code: 1 });
      expect(await at(two, 'get', 'lock/deploy')).toMatchObject({ code: 0, json: { entry: { value: 'ana', level: 'strong' } } });

      expect(await at(one, 'set', 'free/a', '1', '--level', 'strong')).toMatchObject({ code: 0 });
      expect(await at(two, 'set', 'free/a', '2', '--level', 'eventual')).toMatchObject({ code: 1, json: { error: { code: 'CONFLICT' } } });
      expect(await at(two, 'set', 'free/a', '2')).toMatchObject({ code: 0, json: { entry: { level: 'strong' } } });
      expect(await at(one, 'get', 'free/a')).toMatchObject({ json: { entry: { value: 2 } } });

      expect(await at(one, 'set', 'plan', '1')).toMatchObject({ code: 0 });
      await expect.poll(async () => (await at(two, 'get', 'plan')).json, { interval: 200 }).toMatchObject({ entry: { value: 1, level: 'eventual' } });
      expect(await at(two, 'set', 'answer', '2')).toMatchObject({ code: 0 });
      await expect.poll(async () => (await at(one, 'get', 'answer')).json, { interval: 200 }).toMatchObject({ entry: { value: 2 } });
      expect(await Promise.all([one.stop(), two.stop()])).toEqual([0, 0]);
    }));
});
