import { openRedis } from '@meshwork/store-redis';
import { describeWithOwnEngine } from '@meshwork/test-engines';
import { collect, take } from '@meshwork/testing';
import { createClient } from '@redis/client';
import { expect, it } from 'vitest';

/** A watcher that hears nothing looks by itself five seconds after its store was opened. */
const SOON_MS = 2_000;

describeWithOwnEngine('redis', (start) => {
  it('lets two processes open one store at once, and each see what the other writes as it happens', async () => {
    const { url } = await start();
    const [mine, other] = await Promise.all([openRedis({ url }), openRedis({ url })]);
    const changes = take(mine.watch('', { from: 0 }), 2);
    const records = take(mine.follow('log', { from: 1 }), 1);
    await other.put('a', 1);
    await other.append('log', ['x']);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await other.put('b', 2);
    const since = performance.now();
    expect((await changes).map(({ key, revision }) => [key, revision])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect((await records).map(({ value }) => value)).toEqual(['x']);
    expect(performance.now() - since).toBeLessThan(SOON_MS);
    await Promise.all([mine.close(), other.close()]);
  });

  it('hears again soon after the connection that listens was cut', async () => {
    const { url } = await start();
    const [mine, other, operator] = await Promise.all([openRedis({ url }), openRedis({ url }), createClient({ url }).connect()]);
    const changes = take(mine.watch('', { from: 0 }), 2);
    expect(await operator.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])).toBe(2);
    await other.put('a', 1);
    await expect.poll(() => operator.sendCommand(['PUBSUB', 'NUMSUB', '{meshwork}:changes']), { timeout: SOON_MS }).toEqual(['{meshwork}:changes', 2]);
    await other.put('b', 2);
    const since = performance.now();
    expect((await changes).map(({ key }) => key)).toEqual(['a', 'b']);
    expect(performance.now() - since).toBeLessThan(SOON_MS);
    operator.destroy();
    await Promise.all([mine.close(), other.close()]);
  });

  it('goes on when the server has forgotten its scripts', async () => {
    const { url } = await start();
    const [store, operator] = await Promise.all([openRedis({ url }), createClient({ url }).connect()]);
    await store.put('a', 1);
    await operator.scriptFlush();
    const writes = [store.put('a', 2), store.append('log', [1]), store.append('log', [2], { expected: 1 })];
    expect(await Promise.all(writes)).toEqual([{ revision: 2 }, [1], [2]]);
    await operator.scriptFlush();
    expect((await collect(store.list(''))).map(({ value }) => value)).toEqual([2]);
    operator.destroy();
    await store.close();
  });

  it('expires keys by the clock of the server, the same for all, and tells watchers', async () => {
    const { url } = await start();
    const [mine, other] = await Promise.all([openRedis({ url }), openRedis({ url })]);
    const changes = take(mine.watch('', { from: 0 }), 2);
    await other.put('brief', 1, { ttlMs: 300 });
    expect((await mine.get('brief'))?.value).toBe(1);
    expect((await changes).map(({ type }) => type)).toEqual(['put', 'delete']);
    expect(await other.get('brief')).toBeUndefined();
    await Promise.all([mine.close(), other.close()]);
  });
});
