import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createOperations, inProcessPrincipal } from '@meshwork/core';
import { openSqlite } from '@meshwork/store-sqlite';
import { expect, it } from 'vitest';

const starter = fileURLToPath(new URL('operation-starter.ts', import.meta.url));

/** Lets a process start operations until it has told of some, kills it with -9, and returns those it told of. */
function startAndKill(path: string, afterMessages: number): Promise<string[]> {
  const told: string[] = [];
  const child = fork(starter, [path], { execArgv: ['--conditions=@meshwork/source'] });
  child.on('message', (id) => {
    told.push(String(id));
    if (told.length === afterMessages) child.kill('SIGKILL');
  });
  return new Promise((resolve) => child.once('exit', () => resolve(told)));
}

it('keeps every operation it acknowledged when its process is killed, as completed or as interrupted', { timeout: 60_000 }, async () => {
  const alice = inProcessPrincipal('alice');
  for (const afterMessages of [2, 40, 150]) {
    const folder = await mkdtemp(join(tmpdir(), 'meshwork-operations-'));
    try {
      const path = join(folder, 'hub.db');
      const told = await startAndKill(path, afterMessages);
      expect(told.length).toBeGreaterThanOrEqual(afterMessages);
      const store = await openSqlite({ path });
      const operations = createOperations({ store, hub: 'local' });
      expect(await operations.recover()).toBeGreaterThan(0);
      const seen = new Map<string, number>();
      for (const id of told) {
        const { status, failure } = await operations.get(id, alice);
        const end = failure === undefined ? status : `${status} ${failure.code}`;
        seen.set(end, (seen.get(end) ?? 0) + 1);
      }
      for (const end of seen.keys()) expect(['completed', 'failed INTERRUPTED']).toContain(end);
      expect(seen.get('failed INTERRUPTED') ?? 0).toBeGreaterThanOrEqual(Math.floor((told.length / 3) * 2));
      expect(await operations.recover()).toBe(0);
      await operations.close();
      await store.close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
});
