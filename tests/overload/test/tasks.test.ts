import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { callText, requestHeaders, requestText } from '../src/requests.ts';
import { type HubProcess, startHub } from '../src/start-hub.ts';

interface Task {
  readonly taskId: string;
  readonly status: string;
  readonly error?: { readonly data?: { readonly code?: string } };
}

async function ask({ places }: HubProcess, method: string, name: string, body: string): Promise<Task> {
  const response = await fetch(places.http, { method: 'POST', headers: requestHeaders('alice-key', method, name), body });
  const { result, error } = (await response.json()) as { result?: Task; error?: object };
  if (result === undefined) throw new Error(JSON.stringify(error));
  return result;
}

const get = (hub: HubProcess, taskId: string) => ask(hub, 'tasks/get', taskId, requestText('tasks/get', { taskId }));

describe('tasks of a hub that is killed', () => {
  it('are all found again by whoever was told of them, as completed or as interrupted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meshwork-overload-'));
    try {
      const acknowledged: string[] = [];
      await using hub = await startHub({ folder });
      // Starts one after the other on each of eight connections, until the hub is dead under them.
      const starters = Array.from({ length: 8 }, async (_, at) => {
        for (;;) {
          try {
            acknowledged.push((await ask(hub, 'tools/call', 'task', callText('task', { ms: at % 2 === 0 ? 5 : 60_000 }))).taskId);
          } catch {
            return;
          }
        }
      });
      while (acknowledged.length <= 50) await sleep(20);
      await hub.kill();
      await Promise.all(starters);

      await using again = await startHub({ folder });
      const tasks = await Promise.all(acknowledged.map((id) => get(again, id)));
      const ends = new Set(tasks.map(({ status, error }) => (status === 'failed' ? error?.data?.code : status)));
      expect(tasks.map(({ taskId }) => taskId)).toEqual(acknowledged);
      expect(ends).toEqual(new Set(['completed', 'INTERRUPTED']));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
