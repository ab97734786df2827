import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Checkpoint } from '@meshwork/audit';
import { parseCheckpoints } from '@meshwork/audit/offline';
import type { Store } from '@meshwork/core';
import { openNats } from '@meshwork/store-nats';
import { openPostgres } from '@meshwork/store-postgres';
import { openRedis } from '@meshwork/store-redis';
import { openSqlite } from '@meshwork/store-sqlite';
import { describeWithEngine } from '@meshwork/test-engines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogWorld, createTestSigner } from './support/log-world.ts';
import { type RawLog, rawNats, rawPostgres, rawRedis, rawSqlite } from './support/raw-logs.ts';

const STREAM = 'audit';
type Values = readonly (Buffer | undefined)[];

/** Chains records on from one place, as who knows how it is done would. */
function rechain(values: readonly Buffer[], from: number, change: (line: string) => string): Buffer[] {
  let before = values[from - 2]?.toString('latin1', 0, 64) ?? '0'.repeat(64);
  return values.map((value, at) => {
    if (at < from - 1) return value;
    const line = change(value.toString('utf8', 65));
    before = hash('sha256', `\u0001${before}\n${line}`, 'hex');
    return Buffer.from(`${before}\n${line}`);
  });
}

const forge = (line: string) => line.replace('"ok"', '"no"');
const at = (values: readonly Buffer[], place: number) => values[place - 1] ?? Buffer.alloc(0);

/** What is done to twelve records of which the fourth, eighth and twelfth were signed, and what is found. */
const deeds: readonly (readonly [what: string, kind: string, offset: number, deed: (values: readonly Buffer[]) => Values])[] = [
  ['a record that was changed', 'edited', 5, (values) => values.with(4, Buffer.from(forge(at(values, 5).toString())))],
  ['one changed with its hash', 'edited', 6, (values) => [...rechain(values, 5, forge).slice(0, 5), ...values.slice(5)]],
  ['one that is gone', 'missing', 5, (values) => [...values.slice(0, 4), undefined, ...values.slice(5)]],
  ['one that is gone with its place', 'reordered', 5, (values) => values.toSpliced(4, 1)],
  ['the first that is gone', 'missing', 1, (values) => [undefined, ...values.slice(1)]],
  ['two that were swapped', 'reordered', 5, (values) => values.toSpliced(4, 2, at(values, 6), at(values, 5))],
  ['a stranger in between', 'reordered', 6, (values) => values.toSpliced(4, 0, at(values, 5))],
  ['a stranger at the end', 'inserted', 13, (values) => [...values, Buffer.from('{"any":"thing"}')]],
  ['a tail that was cut off', 'truncated', 10, (values) => values.slice(0, 9)],
  ['all that was cut off', 'truncated', 1, () => []],
  ['a tail that was written anew', 'forked', 12, (values) => rechain(values, 10, forge)],
  ['a history that was written anew from the middle on', 'forked', 8, (values) => rechain(values, 5, forge)],
  ['a log that was written anew', 'forked', 4, (values) => rechain(values, 1, forge)],
];

function describeTampering(name: string, open: () => Promise<Store>, openRaw: () => Promise<RawLog>): void {
  describe(`who tampers with the log in ${name} itself`, () => {
    const signer = createTestSigner();
    const kept: Checkpoint[] = [];
    let raw: RawLog;
    let values: readonly Buffer[];
    /** By a hub that has just begun: one that runs on may know the log's end from before. */
    const verify = async () => {
      const store = await open();
      try {
        return await createLogWorld({ store, stream: STREAM, checkpoints: { signer } }).log.verify({ checkpoints: kept });
      } finally {
        await store.close();
      }
    };
    beforeAll(async () => {
      const store = await open();
      const { call, log } = createLogWorld({ store, stream: STREAM, checkpoints: { signer } });
      for (let size = 1; size <= 12; size++) {
        await call();
        if (size % 4 === 0) kept.push(...parseCheckpoints(JSON.stringify(await log.checkpoint())));
      }
      await store.close();
      raw = await openRaw();
      values = await raw.read();
    });
    afterAll(() => raw?.close());

    it.each(deeds)('is found: %s is %s, at record %i', async (_what, kind, offset, deed) => {
      expect(values).toHaveLength(12);
      try {
        await raw.write(deed(values));
        expect(await verify()).toMatchObject({ ok: false, problem: { kind, offset } });
      } finally {
        await raw.write(values);
      }
      expect(await verify()).toMatchObject({ ok: true, records: 12 });
    });
  });
}

const folder = await mkdtemp(join(tmpdir(), 'meshwork-audit-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
describeTampering(
  'SQLite',
  () => openSqlite({ path: join(folder, 'hub.db') }),
  () => rawSqlite(join(folder, 'hub.db'), STREAM),
);

const name = `audit_tampered_${process.pid}_${Date.now()}`;
await describeWithEngine('postgres', (url) =>
  describeTampering(
    'PostgreSQL',
    () => openPostgres({ url, schema: name }),
    () => rawPostgres(url, name, STREAM),
  ),
);
await describeWithEngine('redis', (url) =>
  describeTampering(
    'Redis',
    () => openRedis({ url, prefix: name }),
    () => rawRedis(url, name, STREAM),
  ),
);
await describeWithEngine('nats', (url) =>
  describeTampering(
    'NATS JetStream',
    () => openNats({ url, name }),
    () => rawNats(url, name, STREAM),
  ),
);
