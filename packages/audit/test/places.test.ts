import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { filePlace, httpPlace, journalPlace } from '@meshwork/audit';
import { parseCheckpoints } from '@meshwork/audit/offline';
import { createMemoryJournal } from '@meshwork/core';
import { collect } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { createLogWorld, createTestSigner } from './support/log-world.ts';

describe('a place for checkpoints', () => {
  it('is a file that each is added to, which only its owner reads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meshwork-places-'));
    try {
      const file = join(folder, 'kept.ndjson');
      const { log, calls } = createLogWorld({ checkpoints: { signer: createTestSigner(), places: [filePlace(file)] } });
      for (let round = 0; round < 3; round++) {
        await calls(2);
        await log.exportCheckpoint();
      }
      await log.exportCheckpoint();
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const checkpoints = parseCheckpoints(await readFile(file, 'utf8'), [(await log.publicKey()) ?? '']);
      expect(checkpoints.map(({ size }) => size)).toEqual([2, 4, 6]);
      expect(await log.verify({ checkpoints })).toMatchObject({ ok: true });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('is an address that takes it with PUT, and has not got it when it says so or is redirected', async () => {
    const received: string[] = [];
    let status = 204;
    const server = createServer(async (request, response) => {
      received.push(`${request.method} ${request.headers.authorization} ${await textOf(request)}`);
      response.writeHead(request.url === '/elsewhere' ? 204 : status, { location: '/elsewhere' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/checkpoints?secret=1`;
      const errors: unknown[] = [];
      const place = httpPlace({ url, headers: { authorization: 'Bearer x' } });
      const { log, calls } = createLogWorld({ checkpoints: { signer: createTestSigner(), places: [place] }, onError: (error) => errors.push(error) });
      await calls(1);
      const { checkpoint, places } = await log.exportCheckpoint();
      expect(places).toBe(1);
      expect(received[0]).toMatch(/^PUT Bearer x \{/);
      expect(parseCheckpoints(received[0]?.slice(13) ?? '')).toMatchObject([{ size: 1, note: checkpoint.note }]);
      for (status of [500, 307]) {
        await calls(1);
        expect(await log.exportCheckpoint()).toMatchObject({ places: 0 });
      }
      expect(errors).toHaveLength(2);
      expect(errors.join()).not.toContain('secret');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('is a stream of another journal', async () => {
    const journal = createMemoryJournal();
    const { log, calls } = createLogWorld({ checkpoints: { signer: createTestSigner(), places: [journalPlace({ journal })] } });
    await calls(3);
    const { checkpoint } = await log.exportCheckpoint();
    expect((await collect(journal.read('audit-checkpoints'))).map(({ value }) => value)).toMatchObject([{ size: 3, note: checkpoint.note }]);
  });

  it('that hangs, or a journal that does, holds up no close for longer than a call', async () => {
    const place = { name: 'hangs', put: () => new Promise<void>(() => {}) };
    const { log, calls } = createLogWorld({ checkpoints: { signer: createTestSigner(), places: [place] }, patienceMs: 50 });
    await calls(1);
    void log.upkeep();
    await new Promise((resolve) => setTimeout(resolve, 10));
    const started = performance.now();
    await log.close?.();
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it('gets one at each interval, until the log closes', async () => {
    const kept: number[] = [];
    const place = { name: 'here', put: async ({ size }: { size: number }) => void kept.push(size) };
    const { log, calls } = createLogWorld({ checkpoints: { signer: createTestSigner(), everyMs: 5, places: [place] } });
    await calls(1);
    await expect.poll(() => kept).toEqual([1]);
    await calls(1);
    await expect.poll(() => kept).toEqual([1, 2]);
    await log.close?.();
    await calls(1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(kept).toEqual([1, 2]);
  });
});
