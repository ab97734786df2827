import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClosedError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { openSqlite } from '@meshwork/store-sqlite';
import { collect, take } from '@meshwork/testing';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';

/** The disk's syncs and the threads, as the store gets them: real, but the tests can hold them up, fail them and end them. */
const machine = vi.hoisted(() => ({
  sync: undefined as ((done: (error: Error | null) => void, real: () => void) => void) | undefined,
  threads: [] as import('node:worker_threads').Worker[],
  noThreads: false,
}));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const fdatasync = (descriptor: number, done: (error: Error | null) => void) => {
    const real = () => fs.fdatasync(descriptor, done);
    if (machine.sync === undefined) real();
    else machine.sync(done, real);
  };
  return { ...fs, fdatasync };
});
vi.mock('node:worker_threads', async (original) => {
  const threads = await original<typeof import('node:worker_threads')>();
  class Worker extends threads.Worker {
    constructor(...args: ConstructorParameters<typeof threads.Worker>) {
      if (machine.noThreads) throw new Error('no threads here');
      super(...args);
      machine.threads.push(this);
    }
  }
  return { ...threads, Worker };
});

const folder = mkdtempSync(join(tmpdir(), 'meshwork-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  machine.sync = undefined;
  machine.threads.length = 0;
  machine.noThreads = false;
});

let files = 0;
const newPath = () => join(folder, `${++files}.db`);
const logSize = (path: string) => statSync(`${path}-wal`).size;
const turns = async (count = 20) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const MEBIBYTE = 2 ** 20;

/** Appends so many mebibytes, several appends at a time. */
async function fill(store: Awaited<ReturnType<typeof openSqlite>>, mebibytes: number): Promise<void> {
  const record = new Uint8Array(MEBIBYTE / 16).fill(1);
  for (let done = 0; done < mebibytes; done++) await Promise.all(Array.from({ length: 16 }, () => store.append('fill', [record])));
}

describe('a commit that is on its way to the disk', () => {
  it('is shown to nobody, and acknowledged to nobody, before it is there', async () => {
    const store = await openSqlite({ path: newPath() });
    await store.put('key', 'old');
    await store.append('log', ['old']);
    const seen: string[] = [];
    const note = (what: string, promise: Promise<unknown>) => promise.then((value) => seen.push(`${what} ${JSON.stringify(value)}`));
    let finish = () => {};
    machine.sync = (_done, real) => {
      finish = real;
    };
    const watching = take(store.watch(''), 1);
    const following = take(store.follow('log'), 1);
    const pending = [
      note('put', store.put('key', 'new')),
      note('append', store.append('log', ['new'])),
      note(
        'watch',
        watching.then(([change]) => change?.key),
      ),
      note(
        'follow',
        following.then(([record]) => record?.value),
      ),
    ];
    await turns();
    const reads = [
      note(
        'get',
        store.get('key').then((entry) => entry?.value),
      ),
      note(
        'list',
        collect(store.list('')).then(([entry]) => entry?.value),
      ),
    ];
    expect((await store.get('another'))?.value).toBeUndefined();
    expect((await collect(store.read('log'))).map(({ value }) => value)).toEqual(['old']);
    expect(await store.head('log')).toBe(1);
    // A watcher that comes now has not missed it.
    const late = take(store.watch(''), 1);
    await turns();
    expect(seen).toEqual([]);
    machine.sync = undefined;
    finish();
    await Promise.all([...pending, ...reads]);
    expect(seen.sort()).toEqual(['append [2]', 'follow "new"', 'get "new"', 'list "new"', 'put {"revision":2}', 'watch "key"']);
    expect((await late)[0]).toMatchObject({ key: 'key', revision: 2 });
    expect(await store.head('log')).toBe(2);
    await store.close();
  });

  it('takes with it all that came meanwhile, in the order of the calls', async () => {
    const store = await openSqlite({ path: newPath() });
    let syncs = 0;
    machine.sync = (_done, real) => {
      syncs += 1;
      setTimeout(real, 5);
    };
    const appends: Promise<readonly number[]>[] = [];
    for (let count = 0; count < 100; count++) {
      appends.push(store.append('log', [count], { expected: count }));
      if (count % 10 === 0) await turns(1);
    }
    expect((await Promise.all(appends)).flat()).toEqual(appends.map((_, index) => index + 1));
    expect(syncs).toBeLessThan(20);
    await store.close();
  });
});

describe('a disk that fails to sync', () => {
  it('leaves the outcome of the commit unknown, and ends the writing', async () => {
    const path = newPath();
    const store = await openSqlite({ path });
    await store.put('key', 'kept');
    machine.sync = (done) => setImmediate(done, new Error('EIO'));
    const outcomes = await Promise.allSettled([store.put('a', 1), store.append('log', [1]), store.put('a', 2, { expected: 99 })]);
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : undefined));
    expect(codes).toEqual(['UNKNOWN_OUTCOME', 'UNKNOWN_OUTCOME', 'CONFLICT']);
    expect(outcomes[0]).toMatchObject({ reason: expect.any(UnknownOutcomeError) });
    machine.sync = undefined;
    await expect(store.put('b', 1)).rejects.toThrow(UnavailableError);
    expect((await store.get('key'))?.value).toBe('kept');
    await store.close();
    const again = await openSqlite({ path });
    expect((await again.get('key'))?.value).toBe('kept');
    await again.put('b', 1);
    await again.close();
  });
});

describe('the thread that makes the checkpoints', () => {
  it('is started when the log has grown, and keeps it from growing without end while others write', async () => {
    const path = newPath();
    const store = await openSqlite({ path });
    await store.put('key', 1);
    expect(machine.threads).toHaveLength(0);
    await fill(store, 96);
    expect(machine.threads).toHaveLength(1);
    expect(logSize(path)).toBeLessThan(80 * MEBIBYTE);
    expect(await store.head('fill')).toBe(96 * 16);
    await store.close();
    const again = await openSqlite({ path });
    expect(await collect(again.read('fill'))).toHaveLength(96 * 16);
    await again.close();
  });

  it.each([
    ['is killed while it works', () => void machine.threads[0]?.terminate()],
    ['throws', () => void machine.threads[0]?.emit('error', new Error('broken'))],
  ])('takes no write with it when it %s', async (_how, kill) => {
    const path = newPath();
    const store = await openSqlite({ path });
    const writing = fill(store, 64);
    while (machine.threads.length === 0) await turns(1);
    kill();
    await writing;
    await fill(store, 32);
    expect(logSize(path), 'whoever commits makes the checkpoints').toBeLessThan(64 * MEBIBYTE);
    expect(await collect(store.read('fill'))).toHaveLength(96 * 16);
    await store.close();
    await (await openSqlite({ path })).close();
  });

  it('is done without where there are no threads', async () => {
    const path = newPath();
    machine.noThreads = true;
    const store = await openSqlite({ path });
    await fill(store, 64);
    expect(logSize(path)).toBeLessThan(48 * MEBIBYTE);
    await store.close();
  });
});

describe('closing', () => {
  it('settles all that was written before, and keeps what it acknowledged', async () => {
    const path = newPath();
    const store = await openSqlite({ path });
    const appends: Promise<readonly number[]>[] = [];
    for (let count = 0; count < 200; count++) {
      appends.push(store.append('log', [count]));
      if (count % 20 === 0) await turns(1);
    }
    const filling = fill(store, 20).catch((error: unknown) => error);
    const closing = store.close();
    const late = store.append('log', ['late']);
    await expect(late).rejects.toThrow(ClosedError);
    const offsets = (await Promise.all(appends)).flat();
    await closing;
    expect(await filling).toBeInstanceOf(ClosedError);
    const again = await openSqlite({ path });
    expect((await collect(again.read('log'))).map(({ offset }) => offset)).toEqual(offsets);
    await again.close();
  });

  it.skipIf(process.platform !== 'linux')('leaves no thread and no file open', async () => {
    const path = newPath();
    const count = () => ({ files: readdirSync('/proc/self/fd').length, threads: readdirSync('/proc/self/task').length });
    const use = async () => {
      const store = await openSqlite({ path });
      await fill(store, 20);
      await store.close();
    };
    await use();
    const before = count();
    for (let round = 0; round < 10; round++) await use();
    expect(machine.threads.length).toBeGreaterThanOrEqual(10);
    await turns();
    const after = count();
    expect(after.files).toBeLessThanOrEqual(before.files);
    expect(after.threads).toBeLessThanOrEqual(before.threads);
    expect(readdirSync(folder).filter((name) => name.endsWith('-wal') || name.endsWith('-shm'))).toEqual([]);
  });
});

describe('a commit of the journal alone', () => {
  it('has nobody who watches keys look into the database', async () => {
    let looks = 0;
    const store = await openSqlite({
      path: newPath(),
      // Whoever looks for changes looks for what has expired first.
      clock: { now: () => ++looks },
    });
    const ending = new AbortController();
    const watching = Array.from({ length: 10 }, () => collect(store.watch('', { signal: ending.signal })));
    await turns();
    await store.append('events', ['one']);
    await turns();
    looks = 0;
    await store.append('events', ['two']);
    await turns();
    const alone = looks;
    await store.put('key', 'value');
    await turns();
    // The time of the record, and of the entry; those who watch look for the entry alone.
    expect(alone).toBe(1);
    expect(looks).toBeGreaterThan(10);
    ending.abort();
    expect((await Promise.all(watching)).map((changes) => changes.length)).toEqual(Array(10).fill(1));
    await store[Symbol.asyncDispose]();
  });
});
