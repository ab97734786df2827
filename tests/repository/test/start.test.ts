import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshwork-start-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Started {
  readonly npm: ChildProcess;
  readonly url: string;
  /** How npm ends. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

/** `npm start` as the leader of a group of its own, so that a signal can reach npm alone or, as Ctrl-C does, everybody. */
async function start(data: string): Promise<Started> {
  const args = ['start', '--silent', '--', '--port', '0', '--data', join(folder, data), '--json'];
  const npm = spawn('npm', args, { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => npm.once('exit', (code, signal) => resolve({ code, signal })));
  for await (const line of createInterface({ input: npm.stdout })) if (line.startsWith('{')) return { npm, url: JSON.parse(line).url, ended };
  throw new Error('npm start ended before the hub was up');
}

/** True once the hub's process is gone, and with it its port. */
const isGone = (url: string) =>
  fetch(url).then(
    () => false,
    () => true,
  );

describe('npm start', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('stops the hub and ends well when npm alone gets %s', { timeout: 120_000 }, async (signal) => {
    const { npm, url, ended } = await start(`alone-${signal}`);
    expect(await isGone(url)).toBe(false);
    npm.kill(signal);
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(await isGone(url)).toBe(true);
  });

  it('ends well when Ctrl-C reaches everybody at once, and some of them pass it on', { timeout: 120_000 }, async () => {
    const { npm, url, ended } = await start('group');
    process.kill(-(npm.pid ?? 0), 'SIGINT');
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(await isGone(url)).toBe(true);
  });
});
