import { UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { openRedis } from '@meshwork/store-redis';
import { describeWithOwnEngine } from '@meshwork/test-engines';
import { collect } from '@meshwork/testing';
import { expect, it } from 'vitest';

const TIMEOUT_MS = 1_000;
/** For a machine that does other things as well; far below the second silence that a call may not wait for. */
const SLACK_MS = 600;

describeWithOwnEngine('redis', (start) => {
  it('ends every call in time when the server falls silent, says which were not done, and goes on when it is back', async () => {
    const engine = await start();
    const store = await openRedis({ url: engine.url, timeoutMs: TIMEOUT_MS });
    await store.put('before', 1);
    await store.append('log', ['before']);
    const watching = store.watch('')[Symbol.asyncIterator]();
    const seen = watching.next();
    await store.put('seen', 1);
    expect((await seen).value?.key).toBe('seen');
    const rest = [watching.next(), watching.next()];
    const endings = async (...calls: Promise<unknown>[]) => {
      const since = performance.now();
      const outcomes = await Promise.allSettled(calls);
      expect(performance.now() - since).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      return outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : outcome.value));
    };
    const { code: unavailable } = new UnavailableError('');
    const { code: unknown } = new UnknownOutcomeError('');

    engine.freeze();
    const first = endings(store.put('sent', 1), store.get('before'), store.head('log'), collect(store.list('')), collect(store.read('log')));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const second = endings(store.put('unsent', 1), store.append('log', ['unsent']), store.delete('before'), store.trim('log', 2));
    expect(await first).toEqual([unknown, unavailable, unavailable, unavailable, unavailable]);
    expect(await second).toEqual([unavailable, unavailable, unavailable, unavailable]);
    // There is no connection now, and none can be made.
    expect(await endings(store.put('later', 1), store.get('before'))).toEqual([unavailable, unavailable]);
    expect(await endings(openRedis({ url: engine.url, timeoutMs: TIMEOUT_MS }))).toEqual([unavailable]);
    engine.thaw();

    await expect.poll(() => store.get('before').catch(() => undefined), { timeout: 5_000 }).toMatchObject({ value: 1 });
    await store.put('after', 1);
    // What nobody knew of was carried out, for the server had it.
    expect((await collect(store.list(''))).map(({ key }) => key)).toEqual(['after', 'before', 'seen', 'sent']);
    expect((await Promise.all(rest)).map(({ value }) => value?.key)).toEqual(['sent', 'after']);
    expect(await store.head('log')).toBe(1);
    await store.close();
  });

  it('closes though the server is silent', { timeout: 10_000 }, async () => {
    const engine = await start();
    const store = await openRedis({ url: engine.url, timeoutMs: TIMEOUT_MS });
    engine.freeze();
    const writing = store.put('a', 1).catch((error) => error);
    await store.close();
    expect(await writing).toBeInstanceOf(UnknownOutcomeError);
    engine.thaw();
  });
});
