import { ConflictError, HistoryDroppedError } from '@meshwork/core';
import { openRedis } from '@meshwork/store-redis';
import { describeWithOwnEngine } from '@meshwork/test-engines';
import { take } from '@meshwork/testing';
import { createClient } from '@redis/client';
import { expect, it } from 'vitest';

/** Without a file of every write, the server that comes back has what was there at the last snapshot: as a replica may that takes its place. */
describeWithOwnEngine('redis', (start) => {
  it('gives no revision out twice when Redis has lost writes, and tells whoever saw the lost ones', { timeout: 20_000 }, async () => {
    const engine = await start('--appendonly', 'no');
    const [store, operator] = await Promise.all([openRedis({ url: engine.url }), createClient({ url: engine.url }).connect()]);
    await store.put('kept', 1);
    await store.append('log', ['kept']);
    await operator.sendCommand(['SAVE']);
    operator.destroy();

    const watching = take(store.watch('', { from: 0 }), 3);
    const following = take(store.follow('log', { from: 1 }), 3);
    const lost = await store.put('lost', 'mine');
    await store.append('log', ['lost']);
    // Both have seen it.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await engine.kill();
    await engine.restart();
    const ended = Promise.all([expect(watching).rejects.toThrow(HistoryDroppedError), expect(following).rejects.toThrow(HistoryDroppedError)]);

    await expect.poll(() => store.get('kept').catch(() => undefined), { timeout: 5_000 }).toMatchObject({ value: 1 });
    // As many as were lost, so that a count alone would look the same.
    const theirs = await store.put('lost', 'theirs');
    await store.append('log', ['other']);
    expect(theirs.revision).toBeGreaterThan(lost.revision);
    await expect(store.put('lost', 'over', { expected: lost.revision })).rejects.toThrow(ConflictError);
    await ended;
    await expect(take(store.watch('', { from: lost.revision }), 1)).rejects.toThrow(HistoryDroppedError);
    // From what was kept, one watches on.
    expect(await take(store.watch('', { from: 1 }), 1)).toMatchObject([{ key: 'lost', value: 'theirs' }]);
    await store.close();
  });
});
