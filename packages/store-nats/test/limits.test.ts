import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ConflictError, HistoryDroppedError, InvalidInputError, type Store, StoreFormatError, UnavailableError } from '@meshwork/core';
import { openNats } from '@meshwork/store-nats';
import { describeWithOwnEngine } from '@meshwork/test-engines';
import { collect, manualClock, take } from '@meshwork/testing';
import { connect } from '@nats-io/transport-node';
import { expect, it } from 'vitest';

interface Info {
  readonly state: { readonly messages: number; readonly first_seq: number; readonly last_seq: number };
}

describeWithOwnEngine('nats', (start) => {
  const infoOf = async (url: string, stream: string) => {
    const connection = await connect({ servers: new URL(url).host });
    const info = (await connection.request(`$JS.API.STREAM.INFO.${stream}`)).json<Info>();
    await connection.close();
    return info.state;
  };

  it('keeps the last 10,000 changes and the present of each key, says what it has dropped, and does not grow', { timeout: 240_000 }, async () => {
    const { url } = await start();
    const store = await openNats({ url });
    const kept = await store.put('stays', 'for good');
    await store.put('leased', 1, { ttlMs: 3_600_000 });
    const first = await store.put('goes', 1);
    await store.delete('goes');
    const written: number[] = [];
    for (let round = 0; round < 400; round++) {
      const puts = await Promise.all(Array.from({ length: 100 }, (_, index) => store.put(`key/${index}`, round)));
      written.push(...puts.map(({ revision }) => revision).sort((a, b) => a - b));
    }
    await store.close();
    const { messages, last_seq } = await infoOf(url, 'meshwork_keys');
    expect(last_seq).toBeGreaterThan(40_004);
    expect(messages).toBeLessThan(23_000);
    expect(messages).toBeGreaterThanOrEqual(20_000);
    const again = await openNats({ url });
    expect(await again.get('stays')).toEqual({ key: 'stays', value: 'for good', revision: kept.revision });
    expect((await again.get('leased'))?.ttlMs).toBeLessThan(3_600_000);
    expect(await again.get('goes')).toBeUndefined();
    expect((await collect(again.list(''))).length).toBe(102);
    await expect(collect(again.watch('', { from: first.revision }))).rejects.toThrow(HistoryDroppedError);
    const from = written.at(-10_000) ?? 0;
    const changes = await take(again.watch('', { from: from - 1 }), 10_000);
    expect(changes.map(({ revision }) => revision)).toEqual(written.slice(-10_000));
    const next = await again.put('stays', 'changed', { expected: kept.revision });
    await expect(again.delete('stays', { expected: kept.revision })).rejects.toThrow(ConflictError);
    expect(await again.delete('stays', { expected: next.revision })).toBe(true);
    expect(await again.get('stays')).toBeUndefined();
    await again.close();
  });

  it('loses no key that rests while others change, to whoever reads, lists or counts it up meanwhile', { timeout: 240_000 }, async () => {
    const { url } = await start();
    const stores = await Promise.all([openNats({ url }), openNats({ url })]);
    const [writer, reader] = stores as [Store, Store];
    const resting = Array.from({ length: 3_000 }, (_, index) => `rest/${String(index).padStart(4, '0')}`);
    const revisions = await Promise.all(resting.map(async (key) => (await writer.put(key, key)).revision));
    let done = false;
    const write = async (store: Store) => {
      for (let round = 0; round < 250; round++) await Promise.all(Array.from({ length: 100 }, (_, index) => store.put(`busy/${index}`, round)));
    };
    const list = async () => {
      while (!done)
        expect((await collect(reader.list('rest/'))).map(({ key, revision }) => [key, revision])).toEqual(resting.map((key, index) => [key, revisions[index]]));
    };
    const get = async () => {
      for (let index = 0; !done; index = (index + 7) % resting.length) expect((await reader.get(resting[index] ?? ''))?.revision).toBe(revisions[index]);
    };
    let counted = 0;
    const count = async (store: Store) => {
      while (!done) {
        const { value = 0, revision = 0 } = (await store.get('count')) ?? {};
        await store.put('count', Number(value) + 1, { expected: revision }).then(
          () => (counted += 1),
          (error) => expect(error).toBeInstanceOf(ConflictError),
        );
      }
    };
    const readers = Promise.all([list(), get(), count(writer), count(reader)]);
    await Promise.all([write(writer), write(reader)]);
    done = true;
    await readers;
    expect((await writer.get('count'))?.value).toBe(counted);
    expect((await infoOf(url, 'meshwork_keys')).first_seq).toBeGreaterThan(3_000);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('takes keys of 1,024 odd bytes, and a value as large as the server takes', async () => {
    const { url } = await start();
    const store = await openNats({ url });
    const key = '\u0000 *>'.repeat(256);
    await store.put(key, new Uint8Array(1_040_000));
    expect((await store.get(key))?.value).toHaveProperty('length', 1_040_000);
    expect((await collect(store.list(key.slice(0, 1_000)))).map((entry) => entry.key)).toEqual([key]);
    expect((await take(store.watch(key.slice(0, 1_000), { from: 0 }), 1)).map((change) => change.key)).toEqual([key]);
    await store.append('s'.repeat(1_024), ['odd']);
    expect(await store.head('s'.repeat(1_024))).toBe(1);
    await expect(store.put(key, new Uint8Array(1_050_000))).rejects.toThrow(InvalidInputError);
    await expect(store.append('log', ['small', new Uint8Array(1_050_000)])).rejects.toThrow(InvalidInputError);
    expect(await store.head('log')).toBe(0);
    await store.close();
  });

  it('appends what takes several messages whole, though others append in between', { timeout: 60_000 }, async () => {
    const { url } = await start();
    const stores = await Promise.all([openNats({ url }), openNats({ url }), openNats({ url })]);
    const followed = take(stores[0]!.follow('log', { from: 1 }), 126);
    const large = Array.from({ length: 20 }, (_, index) => `${index}/${'x'.repeat(300_000)}`);
    const appended = await Promise.all([
      stores[0]!.append('log', large),
      stores[1]!.append('log', large),
      ...Array.from({ length: 86 }, (_, index) =>
        (index % 9 === 0 ? new Promise((resolve) => setTimeout(resolve, index)) : Promise.resolve()).then(() => stores[2]!.append('log', [index])),
      ),
    ]);
    expect(appended.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 126 }, (_, index) => index + 1));
    const offsets = appended[0] as readonly number[];
    expect(offsets).toEqual(offsets.map((_, index) => (offsets[0] ?? 0) + index));
    const records = await collect(stores[1]!.read('log'));
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 126 }, (_, index) => index + 1));
    expect((await followed).map(({ offset }) => offset)).toEqual(records.map(({ offset }) => offset));
    expect(records.filter(({ offset }) => offsets.includes(offset)).map(({ value }) => value)).toEqual(large);
    for (const from of [1, 2, 40, 63, 64, 100, 126]) expect((await collect(stores[1]!.read('log', { from, limit: 1 })))[0]?.offset).toBe(from);
    await stores[0]!.trim('log', 100);
    expect((await collect(stores[1]!.read('log'))).map(({ offset }) => offset)).toEqual(Array.from({ length: 27 }, (_, index) => 100 + index));
    await Promise.all(stores.map((store) => store.close()));
  });

  it('takes out what another process left to expire, and tells watchers', { timeout: 60_000 }, async () => {
    const { url } = await start();
    const clock = manualClock();
    const gone = await openNats({ url, clock });
    await gone.put('w/lease', 1, { ttlMs: 1_000 });
    await gone.close();
    clock.advance(1_000);
    const store = await openNats({ url, clock });
    expect((await take(store.watch('w/', { from: 0 }), 2)).map(({ type }) => type)).toEqual(['put', 'delete']);
    await store.close();
  });

  it('lives by the time of the server', async () => {
    const { url } = await start();
    const store = await openNats({ url });
    const before = Date.now();
    await store.append('log', ['now']);
    const [record] = await collect(store.read('log'));
    expect(Math.abs((record?.time ?? 0) - before)).toBeLessThan(2_000);
    await store.put('brief', 1, { ttlMs: 300 });
    expect((await store.get('brief'))?.value).toBe(1);
    await expect.poll(() => store.get('brief')).toBeUndefined();
    await store.close();
  });

  it('says what is wrong with a server it cannot use, without the password', async () => {
    const engine = await start();
    const address = new URL(engine.url).host;
    const connection = await connect({ servers: address });
    await connection.request('$JS.API.STREAM.CREATE.other_keys', JSON.stringify({ name: 'other_keys', subjects: ['mine.>'] }));
    await connection.close();
    await expect(openNats({ url: engine.url, name: 'other' })).rejects.toThrow(StoreFormatError);
    await expect(openNats({ url: engine.url, name: 'three', replicas: 3 })).rejects.toThrow(UnavailableError);
    await expect(openNats({ url: `http://${address}` })).rejects.toThrow(TypeError);
    await engine.kill();
    const error = await openNats({ url: `nats://user:hunter2@${address}`, timeoutMs: 1_000 }).catch((cause: Error) => cause);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(JSON.stringify([String(error), String((error as Error).cause), (error as Error).stack])).not.toContain('hunter2');
  });

  it('ends within its time when the server hangs, and finishes nothing twice', { timeout: 60_000 }, async () => {
    const engine = await start();
    const store = await openNats({ url: engine.url, timeoutMs: 1_000 });
    const { revision } = await store.put('counted', 0);
    await store.append('log', ['before']);
    engine.freeze();
    const since = performance.now();
    const outcomes = await Promise.allSettled([store.put('counted', 1, { expected: revision }), store.get('counted'), store.append('log', ['met it'])]);
    expect(performance.now() - since).toBeLessThan(4_000);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(['UNKNOWN_OUTCOME', 'UNAVAILABLE', 'UNKNOWN_OUTCOME']);
    engine.thaw();
    await expect.poll(async () => (await store.get('counted').catch(() => undefined))?.value).toBe(1);
    await expect.poll(() => store.head('log').catch(() => 0)).toBe(2);
    await store.close();
  });

  it('does what its README shows', async () => {
    const { url } = await start();
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const code = readme.match(/^```js\n([\s\S]*?)^```/m)?.[1]?.replace('nats://127.0.0.1:4222', url) ?? '';
    const args = ['--conditions=@meshwork/source', '--input-type=module', '--eval', code];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(new URL('..', import.meta.url)) });
    expect(stdout).toContain('2 second');
    expect(stdout).toContain('step: 2');
  });
});
