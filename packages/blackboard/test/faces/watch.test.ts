import { describe, expect, it } from 'vitest';
import { ana, bo, createWorld, keysOf } from './world.ts';

describe('watching a board', () => {
  it('goes on from a list, and tells each key once, as it is now', async () => {
    await using world = await createWorld();
    const { use } = world;
    await use(ana, 'write', { key: 'before', value: 0 });
    const { cursor } = await use(ana, 'list');
    expect(await use(ana, 'watch', { cursor, wait_ms: 0 })).toMatchObject({ changes: [] });
    await use(bo, 'write', { key: 'a', value: 1 });
    await use(bo, 'write', { key: 'b', value: 1 });
    await use(bo, 'write', { key: 'a', value: 2 });
    await use(bo, 'delete', { key: 'before' });
    const seen = new Map<string, unknown>();
    let from = cursor;
    while (seen.size < 3) {
      const page = await use(ana, 'watch', { cursor: from, limit: 2 });
      for (const { key, entry } of page.changes as unknown as { key: string; entry?: { value?: unknown; tombstone: boolean } }[])
        seen.set(key, entry === undefined || entry.tombstone ? 'deleted' : entry.value);
      from = page.cursor;
    }
    expect(Object.fromEntries(seen)).toEqual({ a: 2, b: 1, before: 'deleted' });
    expect(await use(ana, 'watch', { cursor: from, wait_ms: 0 })).toMatchObject({ changes: [] });
  });

  it('waits for a change of its prefix, and only of that', async () => {
    await using world = await createWorld();
    const { use } = world;
    const waiting = use(ana, 'watch', { prefix: 'plans/', wait_ms: 55_000 });
    let isOver = false;
    void waiting.then(() => {
      isOver = true;
    });
    await use(bo, 'write', { key: 'notes', value: 1 });
    const { cursor } = await use(ana, 'watch', { wait_ms: 0 });
    await use(bo, 'write', { key: 'notes', value: 2 });
    expect(keysOf(await use(ana, 'watch', { cursor, wait_ms: 55_000 }), 'changes')).toEqual(['notes']);
    expect(isOver).toBe(false);
    await use(bo, 'write', { key: 'plans/q4', value: 1 });
    expect(keysOf(await waiting, 'changes')).toEqual(['plans/q4']);
  });

  it('says that changes were missed when the cursor is too old, or of another life', async () => {
    await using world = await createWorld({ newsLength: 5 });
    const { use } = world;
    const { cursor } = await use(ana, 'list');
    for (let n = 0; n < 40; n++) await use(ana, 'write', { key: `k${n}`, value: n });
    await expect.poll(async () => (await use(ana, 'watch', { cursor, wait_ms: 0 })).reset).toBe(true);
    const { cursor: other } = await use(ana, 'watch', { cursor: 'news_of_another.5', wait_ms: 0 });
    expect(await use(ana, 'watch', { cursor: 'news_of_another.5', wait_ms: 0 })).toMatchObject({ changes: [], reset: true });
    await use(ana, 'write', { key: 'later', value: 1 });
    expect(keysOf(await use(ana, 'watch', { cursor: other }), 'changes')).toContain('later');
    expect(await use(ana, 'watch', { cursor: 'x', wait_ms: 0 })).toMatchObject({ isError: true, code: 'INVALID_INPUT' });
  });

  it('ends when the caller gives up', async () => {
    await using world = await createWorld();
    const gone = new AbortController();
    const waiting = world.use(ana, 'watch', { wait_ms: 55_000 }, { signal: gone.signal });
    gone.abort();
    expect(await waiting).toMatchObject({ isError: true, code: 'CANCELLED' });
  });

  it('tells a caller that waits how long it still does', async () => {
    await using world = await createWorld();
    const steps: unknown[] = [];
    const { promise: told, resolve } = Promise.withResolvers<void>();
    const channel = {
      progress: (step: unknown) => {
        steps.push(step);
        resolve();
      },
    };
    const waiting = world.use(ana, 'watch', { wait_ms: 55_000 }, { channel });
    await told;
    await world.use(bo, 'write', { key: 'k', value: 1 });
    expect(keysOf(await waiting, 'changes')).toEqual(['k']);
    expect(steps).toEqual([{ progress: 5_000, total: 55_000, message: expect.any(String) }]);
  });
});
