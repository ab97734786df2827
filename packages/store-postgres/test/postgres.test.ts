import { HistoryDroppedError, StoreFormatError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { openPostgres } from '@meshwork/store-postgres';
import { describeWithEngine, describeWithOwnEngine, freePort } from '@meshwork/test-engines';
import { collect, take } from '@meshwork/testing';
import { Client } from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { createSchemas } from './schemas.ts';

await describeWithEngine('postgres', (url) => {
  const schemas = createSchemas(url);
  afterAll(() => schemas.drop());
  const sql = async (text: string) => {
    const client = new Client(url);
    await client.connect();
    await client.query(text);
    await client.end();
  };

  it('makes its tables once, however many open it at the same time', async () => {
    const schema = schemas.next();
    const stores = await Promise.all(Array.from({ length: 8 }, () => openPostgres({ url, schema })));
    await Promise.all(stores.map((store, index) => store.append('log', [index])));
    expect(await stores[0]?.head('log')).toBe(8);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('lets whoever is woken by another process see what that has written', async () => {
    const schema = schemas.next();
    await using one = await openPostgres({ url, schema });
    await using other = await openPostgres({ url, schema });
    const changes = take(one.watch('k/'), 2);
    const records = take(one.follow('log'), 2);
    await one.put('k/mine', 1);
    await other.put('k/theirs', 2);
    await one.append('log', ['mine']);
    await other.append('log', ['theirs']);
    expect((await changes).map(({ key }) => key)).toEqual(['k/mine', 'k/theirs']);
    expect((await records).map(({ value }) => value)).toEqual(['mine', 'theirs']);
  });

  it('leaves schemas of others and of newer versions alone', async () => {
    const foreign = schemas.next();
    await sql(`CREATE SCHEMA ${foreign}; CREATE TABLE ${foreign}.invoices (id integer)`);
    await expect(openPostgres({ url, schema: foreign })).rejects.toThrow(StoreFormatError);
    const newer = schemas.next();
    await (await openPostgres({ url, schema: newer })).close();
    await sql(`UPDATE ${newer}.meshwork SET version = 99`);
    await expect(openPostgres({ url, schema: newer })).rejects.toThrow(/newer meshwork/);
    await expect(openPostgres({ url, schema: 'public; DROP TABLE x' })).rejects.toThrow(TypeError);
  });

  it('tells a watcher that comes back too late, and keeps what it promises', async () => {
    await using store = await openPostgres({ url, schema: schemas.next() });
    for (let batch = 0; batch < 11; batch++) await Promise.all(Array.from({ length: 1_000 }, (_, index) => store.put(`k/${index}`, batch)));
    await expect(take(store.watch('k/', { from: 10 }), 1)).rejects.toThrow(HistoryDroppedError);
    const { revision = 0 } = (await store.get('k/999')) ?? {};
    expect(await take(store.watch('k/', { from: revision - 9_000 }), 9_000)).toHaveLength(9_000);
  });

  it('gives one write that the server refuses its error, and its neighbours their due', async () => {
    const schema = schemas.next();
    await using store = await openPostgres({ url, schema });
    await sql(`ALTER TABLE ${schema}.entry ADD CONSTRAINT no_bad_news CHECK (value <> '"bad"')`);
    const outcomes = await Promise.allSettled([store.put('a', 1), store.put('b', 'bad'), store.put('c', 3), store.append('log', [1])]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'UNAVAILABLE' } });
    expect((await collect(store.list(''))).map(({ key }) => key)).toEqual(['a', 'c']);
  });
});

describeWithOwnEngine('postgres', (start) => {
  it('gives up a server that does not answer, and works on when it does', { timeout: 60_000 }, async () => {
    const engine = await start();
    await using store = await openPostgres({ url: engine.url, timeoutMs: 500 });
    await store.put('before', 1);
    engine.freeze();
    const [put, get] = await Promise.allSettled([store.put('during', 1), store.get('before')]);
    expect(put).toMatchObject({ reason: expect.any(UnknownOutcomeError) });
    expect(get).toMatchObject({ reason: expect.any(UnavailableError) });
    await expect(store.put('later', 1)).rejects.toThrow(UnavailableError);
    engine.thaw();
    await expect.poll(() => store.put('after', 1).then(() => 'kept', String)).toBe('kept');
  });
});

describe('a server that is not there', () => {
  it('is named without the password', async () => {
    const port = await freePort();
    const error = await openPostgres({ url: `postgres://someone:s3cret@127.0.0.1:${port}/x` }).catch((cause) => cause);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).toContain(String(port));
    expect(`${error.stack} ${JSON.stringify(error)} ${error.cause}`).not.toContain('s3cret');
  });
});
