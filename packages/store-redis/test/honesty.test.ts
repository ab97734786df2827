import { inspect } from 'node:util';
import { HistoryDroppedError, StoreFormatError, UnavailableError } from '@meshwork/core';
import { openRedis } from '@meshwork/store-redis';
import { describeWithOwnEngine } from '@meshwork/test-engines';
import { take } from '@meshwork/testing';
import { createClient } from '@redis/client';
import { describe, expect, it } from 'vitest';

const SECRET = 'hunter2';

describe('what is no Redis URL or prefix', () => {
  it.each(['http://u:hunter2@host', 'redis://u:hunter2@host:notaport', `redis://u:hunter2@host/db`, 'redis://u:hunter2%@host', 'redis:hunter2', 'hunter2'])(
    'is refused without repeating the secret: %s',
    async (url) => {
      const error = await openRedis({ url }).catch((cause) => cause);
      expect(error).toBeInstanceOf(TypeError);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
    },
  );

  it.each(['', 'a b', '{a}', 'ä', 'x'.repeat(65)])('is refused as a prefix: %j', async (prefix) => {
    await expect(openRedis({ url: 'redis://127.0.0.1:1', prefix })).rejects.toThrow(TypeError);
  });
});

describeWithOwnEngine('redis', (start) => {
  it('keeps the password out of errors, be there no server, another password or no permission', async () => {
    const { port, url, kill } = await start();
    const operator = await createClient({ url }).connect();
    await operator.sendCommand(['ACL', 'SETUSER', 'reader', 'on', `>${SECRET}`, '~*', '+@read']);
    const messages = [];
    for (const credentials of [`nobody:${SECRET}`, `:${SECRET}`, `reader:${SECRET}`]) {
      const error = await openRedis({ url: `redis://${credentials}@127.0.0.1:${port}` }).catch((cause) => cause);
      expect(error).toBeInstanceOf(UnavailableError);
      messages.push(error.message);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
    }
    expect(messages).toEqual([expect.stringContaining('WRONGPASS'), expect.stringMatching(/WRONGPASS|ERR AUTH/), expect.stringContaining('NOPERM')]);
    operator.destroy();
    await kill();
    const error = await openRedis({ url: `redis://:${SECRET}@127.0.0.1:${port}` }).catch((cause) => cause);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
  });

  it.each([
    [['--appendfsync', 'always'], { appendOnly: true, fsync: 'always' }],
    [['--appendfsync', 'everysec'], { appendOnly: true, fsync: 'everysec' }],
    [['--appendonly', 'no'], { appendOnly: false, fsync: undefined }],
  ])('tells how a server started with %j keeps data, and promises no more than Redis can', async (settings, expected) => {
    const { url } = await start(...settings);
    const store = await openRedis({ url });
    expect(store.persistence).toEqual(expected);
    expect(store.durability).toBe('may-lose-acknowledged');
    await store.close();
  });

  it('tells what a server says that lets nobody see its settings', async () => {
    const { url, port } = await start();
    const operator = await createClient({ url }).connect();
    await operator.sendCommand(['ACL', 'SETUSER', 'hub', 'on', `>${SECRET}`, '~*', '&*', '+@all', '-config']);
    const store = await openRedis({ url: `redis://hub:${SECRET}@127.0.0.1:${port}` });
    expect(store.persistence).toEqual({ appendOnly: true, fsync: undefined });
    await store.put('a', 1);
    operator.destroy();
    await store.close();
  });

  it('is not opened where Redis may throw out any key', async () => {
    const { url } = await start('--maxmemory-policy', 'allkeys-lru');
    await expect(openRedis({ url })).rejects.toThrow(/maxmemory-policy allkeys-lru/);
  });

  it('says that nothing was written when the memory is full', async () => {
    const { url } = await start();
    const [store, operator] = await Promise.all([openRedis({ url }), createClient({ url }).connect()]);
    await store.put('a', 1);
    await operator.configSet('maxmemory', '1mb');
    await expect(Promise.all([store.put('a', 2), store.append('log', [1])])).rejects.toThrow(UnavailableError);
    expect([(await store.get('a'))?.value, await store.head('log')]).toEqual([1, 0]);
    await operator.configSet('maxmemory', '0');
    expect(await store.append('log', [1])).toEqual([1]);
    operator.destroy();
    await store.close();
  });

  it('writes no more, and says so to watchers, when Redis has lost the store', async () => {
    const { url } = await start();
    const [store, operator] = await Promise.all([openRedis({ url }), createClient({ url }).connect()]);
    await store.put('a', 1);
    await store.append('log', [1]);
    const watching = take(store.watch('', { from: 0 }), 3);
    const following = take(store.follow('log', { from: 1 }), 2);
    const ended = Promise.all([expect(watching).rejects.toThrow(HistoryDroppedError), expect(following).rejects.toThrow(HistoryDroppedError)]);
    await store.put('b', 1, { expected: 0 }).then(() => store.get('b'));
    await operator.flushAll();
    await expect(store.put('a', 2)).rejects.toThrow(StoreFormatError);
    // Another process founds it anew.
    await using next = await openRedis({ url });
    await next.append('other', [1]);
    await expect(store.append('log', [2])).rejects.toThrow(StoreFormatError);
    await ended;
    operator.destroy();
    await store.close();
  });

  it('leaves alone what is not its own, or a newer one', async () => {
    const { url } = await start();
    const operator = await createClient({ url }).connect();
    await operator.set('{theirs}:meta', 'x');
    await operator.hSet('{strange}:meta', 'x', 'y');
    await operator.set('{half}:values', 'x');
    await operator.hSet('{newer}:meta', { format: '2', store: 'x' });
    for (const prefix of ['theirs', 'strange', 'half', 'newer']) await expect(openRedis({ url, prefix })).rejects.toThrow(StoreFormatError);
    expect((await operator.keys('*')).length).toBe(4);
    operator.destroy();
  });
});
