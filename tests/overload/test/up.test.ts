import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { callers } from '../src/callers.ts';
import { mainFile } from '../src/main-file.ts';

describe('meshwork up', () => {
  it('answers every call it has taken when it is told to stop, and ends with 0', async () => {
    const data = await mkdtemp(join(tmpdir(), 'meshwork-overload-'));
    try {
      const args = ['--conditions=@meshwork/source', mainFile, 'up', '--port', '0', '--data', data, '--json'];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
      const { url, adminKeyFile } = JSON.parse(String(value)) as { url: string; adminKeyFile: string };
      const key = (await readFile(adminKeyFile, 'utf8')).trim();
      const places = { http: url, webSocket: url.replace('http', 'ws'), socket: '' };

      let stopping = false;
      const answered = { before: 0, after: 0 };
      const broken: string[] = [];
      const callersOf = await Promise.all(
        (['http', 'rest', 'webSocket'] as const).flatMap((face) => [1, 2].map(async () => [face, await callers[face](places, key)] as const)),
      );
      const calling = callersOf.map(async ([face, caller]) => {
        for (;;) {
          const startedBefore = !stopping;
          try {
            await caller.call('audit_list', {});
            answered[stopping ? 'after' : 'before']++;
          } catch (error) {
            // What it had taken is answered, or told that it closes; what comes later may find nobody there.
            const expected = startedBefore ? /clos|CLOSED|CANCELLED/ : /clos|CLOSED|ECONN|EPIPE|has ended|not open|socket hang up/;
            if (!stopping || !expected.test(String(error))) broken.push(`${face}: ${String(error)}`);
            return;
          }
        }
      });
      while (answered.before <= 10 && broken.length === 0) await sleep(20);
      stopping = true;
      child.kill('SIGTERM');
      await Promise.all(calling);
      expect(await ended).toBe(0);
      expect(broken).toEqual([]);
      expect(answered.before).toBeGreaterThan(10);
      for (const [, caller] of callersOf) caller.close();
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  });
});
