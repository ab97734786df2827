import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore } from '../src/store/open-store.ts';
import { hideSecrets, parseStoreUrl } from '../src/store/store-url.ts';
import { inFolder, meshwork, runHub } from './program.ts';

describe('the URL of a store', () => {
  it.each([
    ['sqlite:./data', '/srv/data/hub.db'],
    ['sqlite:data/all.db', '/srv/data/all.db'],
    ['sqlite:///var/lib/mesh', '/var/lib/mesh/hub.db'],
    ['SQLITE:/var/lib/x.sqlite3', '/var/lib/x.sqlite3'],
  ])('reads %s as the file %s', (text, file) => {
    expect(parseStoreUrl(text, '/srv')).toMatchObject({ scheme: 'sqlite', address: file });
  });

  it.each([
    ['postgres://me:s3cret@db/mesh', 'postgres://***@db/mesh'],
    ['postgresql://me@db/mesh?password=s3cret&sslmode=require', 'postgresql://***@db/mesh?password=***&sslmode=require'],
    ['postgres://me:s3/cr@e#t?@db/mesh', 'postgres://***@db/mesh'],
    ['postgres://me:s3cret@one:5432,two:5432/mesh', 'postgres://***@one:5432,two:5432/mesh'],
    ['postgres://db/mesh', 'postgres://db/mesh'],
  ])('shows %s as %s', (text, shown) => {
    expect(hideSecrets(text)).toBe(shown);
    expect(parseStoreUrl(text, '/')).toMatchObject({ address: text, shown });
  });

  it.each(['./data', 'mysql://me:s3cret@db', 'postgres:me:s3cret', 'sqlite:', '__proto__://me:s3cret'])('refuses %s without repeating it', (text) => {
    let message = '';
    try {
      parseStoreUrl(text, '/');
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/store/);
    expect(message).not.toContain('s3cret');
  });
});

describe('opening a store', () => {
  it('makes the folder of a database that is not there yet', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meshwork-store-'));
    try {
      const { store, isShared } = await openStore(parseStoreUrl('sqlite:a/b', folder));
      await store.put('key', 1);
      await store.close();
      expect(isShared).toBe(false);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('waits for a server that is away, says so, and gives up at its bound without saying the password', async () => {
    const news: string[] = [];
    const from = performance.now();
    const error = await openStore(parseStoreUrl('postgres://me:s3cret@127.0.0.1:1/mesh', '/'), { waitMs: 3_000, onWait: ({ why }) => news.push(why) }).catch(
      (cause: unknown) => cause,
    );
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', exitCode: 3, message: expect.stringContaining('postgres://***@127.0.0.1:1/mesh') });
    expect(performance.now() - from).toBeLessThan(20_000);
    expect(news.length).toBeGreaterThan(0);
    expect(JSON.stringify([news, (error as Error).message, (error as Error).cause])).not.toContain('s3cret');
  });

  it('gives up on a server that takes connections and says nothing, and when it is told to stop', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => void sockets.push(socket.on('error', () => {})));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = parseStoreUrl(`postgres://me@127.0.0.1:${(server.address() as { port: number }).port}/mesh`, '/');
    try {
      await expect(openStore(url, { waitMs: 300 })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await expect(openStore(url, { waitMs: 60_000, signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
});

describe('a password in the URL of a store', () => {
  const secret = 's3cret-of-the-store';
  it('is in nothing the program prints', () =>
    inFolder(async (folder) => {
      const store = `postgres://me:${secret}@127.0.0.1:1/mesh`;
      const config = join(folder, 'mesh.yaml');
      await writeFile(config, `store: ${store}\nstoreWait: 1s\n`);
      const ends = await Promise.all([
        meshwork(['config', 'check', config, '--json'], {}, folder),
        meshwork(['up', '--config', config, '--port', '0'], {}, folder),
        meshwork(['up', '--port', '0', '--store-wait', '1s', '--json'], { MESHWORK_STORE: store }, folder),
        meshwork(['up', '--port', '0', '--store', `mysql://me:${secret}@db`], {}, folder),
        meshwork(['doctor', '--json'], { MESHWORK_STORE: store }, folder),
      ]);
      expect(ends.map(({ code }) => code)).toEqual([0, 3, 3, 2, 3]);
      expect(ends.map(({ out, err }) => out + err).join()).not.toContain(secret);
      expect(JSON.parse(ends[0]?.out ?? '')).toMatchObject({ config: { store: 'postgres://***@127.0.0.1:1/mesh' } });
      expect(ends[1]?.err).toContain('The store is away');
      expect(ends[4]?.out).toContain('"check":"store","state":"fail"');
    }));
});

describe('a store that does not keep everything', () => {
  it('is said to be one when the hub starts', () =>
    inFolder(async (folder) => {
      const hub = await runHub(join(folder, 'data'), ['--store', 'memory:', '--log-format', 'json']);
      let words = '';
      hub.child.stderr?.on('data', (chunk) => {
        words += chunk;
      });
      await expect.poll(() => words).toContain('The store is in memory');
      expect(await hub.stop()).toBe(0);
    }));
});
