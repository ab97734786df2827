import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inFolder, meshwork, runHub } from './program.ts';

const key = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

it(
  'keeps a hub with --encrypt-with unreadable on the disk, and opens it with its keys only',
  () =>
    inFolder(async (folder) => {
      const data = join(folder, 'data');
      const [first, second, other] = [key('first'), key('second'), key('other')];
      const env = { STORE_KEYS: first };
      const hub = await runHub(data, ['--encrypt-with', 'env:STORE_KEYS'], env);
      const boss = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
      expect((await meshwork(['agent', 'add', 'canary_agent_name', '--json'], boss)).code).toBe(0);
      expect((await meshwork(['audit', 'verify', '--json'], boss)).json).toMatchObject({ ok: true });
      await hub.stop();
      for (const name of await readdir(data)) {
        if (!name.startsWith('hub.db')) continue;
        const bytes = await readFile(join(data, name), 'latin1');
        expect(bytes).not.toContain('agent_add');
        expect(bytes).not.toContain('"canary_agent_name"');
      }

      const up = ['up', '--port', '0', '--data', data];
      const without = await meshwork(up);
      expect(without).toMatchObject({ code: 1, err: expect.stringContaining('is encrypted; pass its keys with --encrypt-with') });
      const wrong = await meshwork([...up, '--encrypt-with', 'env:STORE_KEYS'], { STORE_KEYS: other });
      expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('"first" is not there') });
      const bad = await meshwork([...up, '--encrypt-with', 'env:STORE_KEYS'], { STORE_KEYS: 'first:c2hvcnQtc2VjcmV0' });
      expect(bad.code).toBe(2);
      expect(without.err + wrong.err + bad.err).not.toMatch(/c2hvcnQtc2VjcmV0|[A-Za-z0-9+/]{43}=/);

      const keyFile = join(folder, 'keys');
      await writeFile(keyFile, `# the newest first\n${second}\n${first}\n`, { mode: 0o600 });
      const rotated = await runHub(data, ['--encrypt-with', `file:${keyFile}`]);
      expect(rotated.adminKey).toBe(hub.adminKey);
      expect((await meshwork(['agent', 'list', '--json'], { ...boss, MESHWORK_SERVER: rotated.url })).out).toContain('canary_agent_name');
      await rotated.stop();

      const plain = join(folder, 'plain');
      await (await runHub(plain)).stop();
      expect(await meshwork(['up', '--port', '0', '--data', plain, '--encrypt-with', 'env:STORE_KEYS'], env)).toMatchObject({
        code: 1,
        err: expect.stringContaining('is not encrypted; copy it into a new one'),
      });
    }),
  90_000,
);
