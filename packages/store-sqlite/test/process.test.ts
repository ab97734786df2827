import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { openSqlite } from '@meshwork/store-sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshwork-sqlite-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const program = (path: string) => `
  import { openSqlite } from '@meshwork/store-sqlite';
  const store = await openSqlite({ path: ${JSON.stringify(path)} });
  await store.put('key', 'kept');
  console.log((await store.get('key')).value);
  await store.close();
`;

describe('opening a store', () => {
  it('works in a worker thread', async () => {
    const path = join(folder, 'worker.db');
    const thread = new Worker(new URL('worker.ts', import.meta.url), { execArgv: ['--conditions=@meshwork/source'], workerData: path });
    const outcome = await new Promise((resolve) => thread.once('message', resolve).once('error', resolve));
    expect(outcome).toBe('kept');
  });

  it('leaves the process as it was, also when many are opened at once', async () => {
    const { emitWarning } = process;
    const mask = process.umask();
    const opening = Array.from({ length: 5 }, (_, index) => openSqlite({ path: join(folder, `many-${index}.db`) }));
    expect(process.emitWarning).toBe(emitWarning);
    expect(process.umask()).toBe(mask);
    for (const store of await Promise.all(opening)) await store.close();
    expect(process.emitWarning).toBe(emitWarning);
  });

  it('says nothing on the console', async () => {
    const args = ['--conditions=@meshwork/source', '--input-type=module', '--eval', program(join(folder, 'quiet.db'))];
    expect(await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname })).toEqual({ stdout: 'kept\n', stderr: '' });
  });
});
