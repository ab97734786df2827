import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCheckpoints } from '@meshwork/audit/offline';
import { describe, expect, it } from 'vitest';
import { auditSettingsOf } from '../src/config/audit-field.ts';
import { configSchema } from '../src/config/config-schema.ts';
import { meshwork, runHub } from './program.ts';

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-audit-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('the audit log of a running program', () => {
  it(
    'is verified from an export and signed checkpoints, after the hub is gone',
    () =>
      inFolder(async (folder) => {
        const config = join(folder, 'hub.yaml');
        await writeFile(config, `audit: { origin: my-hub, checkpointEvery: 1s, checkpointFiles: [${join(folder, 'kept.ndjson')}] }\n`);
        const hub = await runHub(join(folder, 'a'), ['--config', config]);
        const boss = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
        for (let at = 0; at < 3; at++) await meshwork(['agent', 'list'], boss);
        const taken = await meshwork(['audit', 'checkpoint', '--out', 'one.json', '--json'], boss, folder);
        const key = String(taken.json.public_key);
        expect(key).toMatch(/^my-hub\+[0-9a-f]{8}\+A/);
        await writeFile(join(folder, 'key.txt'), `${key}\n`);
        expect(await meshwork(['audit', 'export', '--format', 'chain', '--out', 'all.ndjson'], boss, folder)).toMatchObject({
          code: 0,
          out: 'Wrote all.ndjson.\n',
        });
        expect(await meshwork(['audit', 'verify', '--checkpoint', 'one.json'], boss, folder)).toMatchObject({
          code: 0,
          out: expect.stringContaining('the checkpoint'),
        });
        const report = await meshwork(['audit', 'report', '--out', 'report.html', '--from', '2020-01-01T00:00:00Z'], boss, folder);
        expect(report).toMatchObject({ code: 0, out: expect.stringMatching(/^Wrote the report on \d+ records/) });
        expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('CC6.1');
        const lines = (await meshwork(['audit', 'report', '--format', 'ndjson'], boss)).out.trimEnd().split('\n');
        expect(lines.map((line) => JSON.parse(line).type)).toContain('evidence');
        await expect.poll(async () => readFile(join(folder, 'kept.ndjson'), 'utf8').catch(() => '')).toContain('my-hub');
        expect(await hub.stop()).toBe(0);

        const nowhere = { MESHWORK_SERVER: 'http://127.0.0.1:9', MESHWORK_KEY: '' };
        const verify = (...args: string[]) => meshwork(['audit', 'verify', '--file', 'all.ndjson', ...args], nowhere, folder);
        expect(await verify('--checkpoint', 'one.json', '--key', key)).toMatchObject({
          code: 0,
          out: expect.stringMatching(/^The chain of \d+ records holds, and contains the checkpoint/),
        });
        const kept = parseCheckpoints(await readFile(join(folder, 'kept.ndjson'), 'utf8'), [key]);
        await writeFile(join(folder, 'first.json'), JSON.stringify(kept[0], undefined, 2));
        expect(await verify('--checkpoint', 'one.json', 'first.json', '--public-key', 'key.txt')).toMatchObject({ code: 0 });

        const text = await readFile(join(folder, 'all.ndjson'), 'utf8');
        await writeFile(join(folder, 'all.ndjson'), text.replace('"ok"', '"no"'));
        expect(await verify('--checkpoint', 'one.json')).toMatchObject({ code: 1, out: expect.stringMatching(/record 1 was changed .* Now: keep this copy/) });
        const cut = text.split('\n').slice(0, 3).join('\n');
        await writeFile(join(folder, 'all.ndjson'), cut);
        expect(await verify('--checkpoint', 'one.json', '--json')).toMatchObject({ code: 1, json: { ok: false, problem: { kind: 'truncated', offset: 3 } } });

        const forged = JSON.parse(await readFile(join(folder, 'one.json'), 'utf8'));
        await writeFile(join(folder, 'one.json'), JSON.stringify({ ...forged, note: forged.note.replace(/\n\d+\n/, '\n2\n') }));
        expect(await verify('--checkpoint', 'one.json', '--key', key)).toMatchObject({ code: 2, err: expect.stringContaining('does not fit') });
        expect(await verify('--key', 'nothing')).toMatchObject({ code: 2, err: expect.stringContaining('no public key') });
        await writeFile(join(folder, 'all.ndjson'), 'nothing\n');
        expect(await verify()).toMatchObject({ code: 2, err: expect.stringContaining('--format chain') });
      }),
    120_000,
  );

  it(
    'keeps its key over a restart, and does not sign with it without the pepper it was made with',
    () =>
      inFolder(async (folder) => {
        const pepper = { MESHWORK_KEY_PEPPER: 'p'.repeat(40) };
        const keyOf = async (env: Record<string, string>) => {
          const hub = await runHub(join(folder, 'a'), [], env);
          const taken = await meshwork(['audit', 'checkpoint', '--json'], { MESHWORK_SERVER: hub.url, ...env }, folder).finally(() => hub.stop());
          return taken;
        };
        const first = await keyOf({ ...pepper, MESHWORK_DATA: join(folder, 'a') });
        const second = await keyOf({ ...pepper, MESHWORK_DATA: join(folder, 'a') });
        expect(second.json.public_key).toBe(first.json.public_key);
        const other = await keyOf({ MESHWORK_KEY_PEPPER: 'q'.repeat(40), MESHWORK_DATA: join(folder, 'a') });
        expect(other.code).not.toBe(0);
      }),
    120_000,
  );
});

describe('the audit part of a configuration file', () => {
  it('says how often, where to, and how much is kept', () => {
    const { audit } = configSchema.parse({
      audit: { checkpointEvery: '5m', checkpointUrls: ['https://example.org/a'], retention: { maxAge: '30d', maxRecords: 5 } },
    });
    const settings = auditSettingsOf(audit, '/');
    expect(settings).toMatchObject({ origin: 'meshwork-audit', everyMs: 300_000, retention: { maxAgeMs: 2_592_000_000, maxRecords: 5 } });
    expect(settings.places.map(({ name }) => name)).toEqual(['https://example.org/a']);
    expect(auditSettingsOf(undefined, '/')).toMatchObject({ everyMs: 600_000, places: [], retention: undefined });
    for (const wrong of [{ origin: 'a b' }, { checkpointEvery: '0s' }, { checkpointUrls: ['file:///x'] }, { retention: { maxAge: '5ms' } }, { other: 1 }])
      expect(configSchema.safeParse({ audit: wrong }).success, JSON.stringify(wrong)).toBe(false);
  });
});
