import { UnavailableError } from '@meshwork/core';
import { type NatsOptions, openNats } from '@meshwork/store-nats';
import { describeWithOwnEngine } from '@meshwork/test-engines';
import { describeRestarts, workThroughRestarts } from '@meshwork/testing';
import { expect, it } from 'vitest';

describeWithOwnEngine('nats', (start) => {
  // A write that meets a kill is finished when the server is back. So that some are not, here they may take less time than a restart.
  describeRestarts('NATS', async () => {
    const { url, kill, restart } = await start();
    return { store: await openPatiently({ url, timeoutMs: 150 }), kill, restart };
  });

  it('finishes the writes that met a kill, each once, when the server is back in time', { timeout: 120_000 }, async () => {
    const { url, kill, restart } = await start();
    const store = await openNats({ url });
    const { endings, faults } = await workThroughRestarts({ store, kill, restart }, { rounds: 10 });
    await store.close();
    expect(faults).toEqual([]);
    expect(endings.unknown).toBe(0);
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
