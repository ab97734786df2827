// One log of a million records: how fast it is verified, in the store and as an exported file, in how much memory, and how fast it is searched.
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type AuditFilter, audit, type Verification, verifyExport } from '@meshwork/audit';
import { createHub, inProcessPrincipal } from '@meshwork/core';
import { openSqlite } from '@meshwork/store-sqlite';
import { median } from './median.ts';

const { values } = parseArgs({ options: { records: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } } });
const records = Number(values.records);
const folder = await mkdtemp(join(tmpdir(), 'meshwork-bench-audit-'));
const file = join(folder, 'export.ndjson');
const store = await openSqlite({ path: join(folder, 'hub.db') });
try {
  const log = audit({ journal: store, index: store });
  const bare = audit({ journal: store });
  await fill();
  const indexed = await timed(() => log.upkeep());
  const inStore = await verifying(() => log.verify());
  await exportTo(file);
  const inFile = await verifying(() => verifyExport(createReadStream(file, { highWaterMark: 1_048_576 })));
  const reporting = await timed(() => log.report());
  const rows: Record<string, object> = {};
  for (const [name, filter] of filters()) {
    const byIndex = await medianOf(() => log.list(filter));
    const byScan = await timed(() => bare.list(filter));
    rows[name] = { 'index (ms)': byIndex, 'scan (ms)': byScan, times: Math.round(byScan / byIndex) };
  }
  const figures = {
    records,
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
  await rm(folder, { recursive: true, force: true });
}

/** Real calls through a hub, of 500 principals and 40 tools, with now and then a rare one. */
async function fill(): Promise<void> {
  const log = audit({ journal: store, isExclusive: true, maxWaiting: 50_000 });
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
