import { HistoryDroppedError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { type NatsOptions, openNats } from '@meshwork/store-nats';
import { describeWithOwnEngine } from '@meshwork/test-engines';
import { collect, describeRestarts, take, workThroughRestarts } from '@meshwork/testing';
import { expect, it } from 'vitest';

describeWithOwnEngine('nats', (start) => {
  // A write that meets a kill is finished when the server is back. So that some are not, it stays away for as long as they may take.
  describeRestarts('NATS', async () => {
    const { url, kill, restart } = await start();
    const timeoutMs = 1_000;
    const restartLate = async () => {
      await new Promise((resolve) => setTimeout(resolve, timeoutMs));
      await restart();
    };
    return { store: await openPatiently({ url, timeoutMs }), kill, restart: restartLate };
  });

  it('finishes the writes that met a kill, each once, when the server is back in time', { timeout: 120_000 }, async () => {
    const { url, kill, restart } = await start();
    const store = await openNats({ url });
    const { endings, faults } = await workThroughRestarts({ store, kill, restart }, { rounds: 10 });
    await store.close();
    expect(faults).toEqual([]);
    expect(endings.unknown).toBe(0);
  });

  it('loses no key that rests when the server is killed while old changes are dropped', { timeout: 240_000 }, async () => {
    const { url, kill, restart } = await start();
    const store = await openNats({ url });
    const resting = Array.from({ length: 500 }, (_, index) => `rest/${String(index).padStart(3, '0')}`);
    const before = await Promise.all(resting.map(async (key) => [key, (await store.put(key, key)).revision]));
    const write = (rounds: number) =>
      Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          for (let round = 0; round < rounds; round++) await persistently(() => store.put(`busy/${index}`, round));
        }),
      );
    // From now on each thousand changes drop as many.
    await write(230);
    for (let round = 0; round < 8; round++) {
      const writing = write(15);
      await persistently(() => store.put('late', round));
      await new Promise((resolve) => setTimeout(resolve, 20 * round));
      await kill();
      await restart();
      await writing;
    }
    await write(10);
    expect((await collect(store.list('rest/'))).map(({ key, revision }) => [key, revision])).toEqual(before);
    for (const [key, revision] of before.slice(0, 20)) expect((await store.get(String(key)))?.revision).toBe(revision);
    await store.close();
    const again = await openNats({ url });
    await expect(take(again.watch('', { from: 1 }), 1)).rejects.toThrow(HistoryDroppedError);
    await again.close();
  });
});

/** On a busy machine opening alone may take longer than the writes are given. */
async function openPatiently(options: NatsOptions): ReturnType<typeof openNats> {
  for (;;) {
    try {
      return await openNats(options);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
    }
  }
}

/** Again and again while the server is away. */
async function persistently(work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof UnavailableError || error instanceof UnknownOutcomeError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
