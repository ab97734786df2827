// One log of a million records, in SQLite or where --store says (postgres, redis or nats for a server started for it, or a URL): how fast it is verified, in the store and as an exported file, in how much memory, and how fast it is searched.
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type AuditFilter, audit, type Verification } from '@meshwork/audit';
import { verifyExport } from '@meshwork/audit/offline';
import { auditReports } from '@meshwork/audit/report';
import { createHub, inProcessPrincipal, type Store } from '@meshwork/core';
import { openNats } from '@meshwork/store-nats';
import { openPostgres } from '@meshwork/store-postgres';
import { openRedis } from '@meshwork/store-redis';
import { openSqlite } from '@meshwork/store-sqlite';
import { type Engine, type EngineName, startEngine } from '@meshwork/test-engines/engine';
import { median } from './median.ts';

const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, store: { type: 'string' }, json: { type: 'boolean', default: false } },
});
const records = Number(values.records);
const folder = await mkdtemp(join(tmpdir(), 'meshwork-bench-audit-'));
const file = join(folder, 'export.ndjson');
const engine = await startOwn(values.store);
const store = await open(engine?.url ?? values.store);
try {
  const log = audit({ journal: store, index: store });
  const bare = audit({ journal: store });
  const filled = await timed(() => fill());
  const indexed = await timed(() => log.upkeep());
  const inStore = await verifying(() => log.verify());
  await exportTo(file);
  const inFile = await verifying(() => verifyExport(createReadStream(file, { highWaterMark: 1_048_576 })));
  const reporting = await timed(() => auditReports({ log }).report());
  const rows: Record<string, object> = {};
  for (const [name, filter] of filters()) {
    const byIndex = await medianOf(() => log.list(filter));
    const byScan = await timed(() => bare.list(filter));
    rows[name] = { 'index (ms)': byIndex, 'scan (ms)': byScan, times: Math.round(byScan / byIndex) };
  }
  const figures = {
    store: values.store?.replace(/:.*/s, '') ?? 'sqlite',
    records,
    'records written per second, through a hub': Math.round((records / filled) * 1_000),
    'index made from nothing (ms)': indexed,
    'report on all of it, verified first (ms)': reporting,
    'verify in the store: records/s': inStore.perSecond,
    'verify in the store: ms': inStore.ms,
    'verify in the store: peak growth of memory (MB)': inStore.megabytes,
    'verify an export: records/s': inFile.perSecond,
    'verify an export: ms': inFile.ms,
    'verify an export: peak growth of memory (MB)': inFile.megabytes,
  };
  if (values.json) console.log(JSON.stringify({ figures, searches: rows }, undefined, 2));
  else {
    console.table(figures);
    console.table(rows);
  }
} finally {
  await store.close();
  await engine?.stop();
  await rm(folder, { recursive: true, force: true });
}

/** A new store: that of a server is given names of its own, which stay behind. */
async function open(url: string | undefined): Promise<Store> {
  const name = `bench_audit_${process.pid}`;
  if (url === undefined) return openSqlite({ path: join(folder, 'hub.db') });
  if (/^rediss?:/.test(url)) return openRedis({ url, prefix: name });
  if (/^(nats|tls):/.test(url)) return openNats({ url, name });
  return openPostgres({ url, schema: name });
}

async function startOwn(name: string | undefined): Promise<Engine | undefined> {
  if (name === undefined || name.includes(':')) return undefined;
  const engine = await startEngine(name as EngineName);
  if (engine === undefined) throw new Error(`the program of ${name} is not installed here`);
  return engine;
}

/** Real calls through a hub, of 500 principals and 40 tools, with now and then a rare one. */
async function fill(): Promise<void> {
  const log = audit({ journal: store, isExclusive: values.store === undefined, maxWaiting: 50_000 });
  const resources = Array.from({ length: 40 }, (_, at) => ({ uri: `a://${at}`, name: `r${at}`, read: () => ({ text: '' }) }));
  await using hub = createHub({ modules: [log, { name: 'bench', resources }] });
  const principals = Array.from({ length: 500 }, (_, at) => inProcessPrincipal(`agent-${at}`));
  const rare = inProcessPrincipal('rare');
  for (let at = 0; at < records; ) {
    const calls = [];
    for (const end = Math.min(records, at + 4_000); at < end; at++) {
      const principal = at % 50_000 === 49_999 ? rare : (principals[at % 500] ?? rare);
      calls.push(hub.call({ kind: 'resource', name: at % 9_973 === 0 ? 'a://none' : `a://${at % 40}`, principal, face: 'local' }).catch(() => {}));
    }
    await Promise.all(calls);
  }
}

function filters(): readonly (readonly [string, AuditFilter])[] {
  const all = { limit: 100 };
  return [
    ['a rare principal', { ...all, principal: 'rare' }],
    ['a principal nobody is', { ...all, principal: 'nobody' }],
    ['a common principal, the newest 100', { ...all, principal: 'agent-7' }],
    ['a rare outcome', { ...all, outcome: 'unknown-name' }],
    ['a resource and a principal', { ...all, name: 'a://7', principal: 'agent-7' }],
    ['before all times', { ...all, until: '2001-01-01T00:00:00Z' }],
  ];
}

async function exportTo(path: string): Promise<void> {
  const out = createWriteStream(path);
  for await (const text of audit({ journal: store }).exportChain()) if (!out.write(text)) await once(out, 'drain');
  out.end();
  await once(out, 'close');
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return Math.round((performance.now() - started) * 10) / 10;
}

async function medianOf(work: () => Promise<unknown>): Promise<number> {
  const all: number[] = [];
  for (let round = 0; round < 5; round++) all.push(await timed(work));
  return median(all);
}

/** The memory is that of the process, looked at while it works, above what it had before. */
async function verifying(work: () => Promise<Verification>) {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let peak = before;
  const looking = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const started = performance.now();
  const { ok, records: count, problem } = await work();
  const ms = performance.now() - started;
  clearInterval(looking);
  if (!ok || count !== records) throw new Error(`the log does not hold: ${count} of ${records} records; ${problem?.message}`);
  return { ms: Math.round(ms), perSecond: Math.round((count / ms) * 1_000), megabytes: Math.round((peak - before) / 1_048_576) };
}
