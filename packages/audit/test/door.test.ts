import { audit, type Refusal } from '@meshwork/audit';
import { createHub, createMemoryStore, inProcessPrincipal, type Journal } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const refusal: Refusal = {
  face: 'rest',
  address: '192.0.2.1',
  status: 401,
  code: 'UNAUTHENTICATED',
  reason: 'the key is not known to this hub',
  method: 'POST',
  path: '/mcp/tools/echo',
  credentialId: 'mk_0123456789abcdef',
};

function world(journal: Journal = createMemoryStore()) {
  const clock = manualClock();
  const log = audit({ journal, clock });
  return { clock, log, journal };
}

describe('a request that was refused at the door', () => {
  it('stands in the chain as calls do', async () => {
    const { log } = world();
    const hub = createHub({ modules: [log, { name: 'm', resources: [{ uri: 'a://b', name: 'b', read: () => ({ text: 'x' }) }] }] });
    const principal = inProcessPrincipal('admin', { roles: ['admin'] });
    await hub.call({ kind: 'resource', name: 'a://b', principal, face: 'local' });
    await log.door.refused(refusal);
    await log.door.refused({ ...refusal, status: 400, code: 'INVALID_INPUT', principal: 'alice' });
    expect(await log.verify()).toMatchObject({ ok: true, records: 3 });
    expect(await log.list({ kind: 'door' })).toEqual([
      expect.objectContaining({
        seq: 3,
        outcome: 'invalid',
        status: 400,
        principal: expect.objectContaining({ id: 'alice', zone: 'unknown', address: '192.0.2.1' }),
      }),
      {
        seq: 2,
        v: 1,
        time: '2026-01-01T00:00:00.000Z',
        principal: { id: 'unknown', kind: 'anonymous', zone: 'unknown', trust: 0, method: 'none', address: '192.0.2.1' },
        face: 'rest',
        kind: 'door',
        name: 'POST /mcp/tools/echo',
        decisions: [{ by: 'door', effect: 'deny', policies: [], reason: 'the key is not known to this hub' }],
        outcome: 'denied',
        code: 'UNAUTHENTICATED',
        status: 401,
        credential_id: 'mk_0123456789abcdef',
      },
    ]);
    expect(await log.list({ outcome: 'denied', zone: 'external' })).toEqual([]);

    const call = (name: string, args: object) => hub.call({ name, arguments: args, principal, face: 'local' });
    expect(await call('audit_list', { kind: 'door', zone: 'unknown' })).toMatchObject({ structuredContent: { records: [{ seq: 3 }, { seq: 2 }] } });
    expect(await call('audit_verify', {})).toMatchObject({ structuredContent: { ok: true } });
    expect(await call('audit_export', { kind: 'door', format: 'csv' })).toMatchObject({
      structuredContent: {
        text: expect.stringMatching(
          /^seq,.*,status,credential_id,count\r\n3,.*\r\n2,.*,POST \/mcp\/tools\/echo,denied,UNAUTHENTICATED,.*,401,mk_0123456789abcdef,\r\n$/,
        ),
      },
    });
    const lines: string[] = [];
    for await (const line of log.export({ kind: 'door', format: 'ndjson' })) if (line !== '') lines.push(line);
    expect(lines.map((line) => JSON.parse(line).status)).toEqual([401, 400]);
  });

  it('cannot write what it likes: secrets are replaced, long texts cut, lines stay one', async () => {
    const { log } = world();
    const key = `mk_0123456789abcdef_${'s'.repeat(43)}`;
    await log.door.refused({ ...refusal, path: `/${key}/\r\n${'x'.repeat(10_000)}\ud800`, reason: key, address: key });
    const [record] = await log.list();
    expect(JSON.stringify(record)).not.toContain('ssss');
    expect(record?.name.length).toBeLessThan(400);
    for await (const line of log.export({ format: 'ndjson' })) expect(line.trimEnd()).not.toMatch(/[\r\n]/);
    expect(await log.verify()).toMatchObject({ ok: true });
  });

  it('is not answered before it is written, and not at all when it cannot be', async () => {
    const journal = createMemoryStore();
    const { append } = journal;
    let written = 0;
    journal.append = async (...args) => {
      await new Promise((resolve) => setImmediate(resolve));
      const offsets = await append(...args);
      written += offsets.length;
      return offsets;
    };
    const { log } = world(journal);
    await log.door.refused(refusal);
    expect(written).toBe(1);
    journal.append = () => Promise.reject(new Error('the disk is full'));
    await expect(log.door.refused(refusal)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('a flood of refused requests', () => {
  // What is counted is written by a timer too, which would say it in two records.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  const from = (at: number) => `198.51.100.${at}`;

  it('leaves 100 records of one address in a second, and one that says how many more', async () => {
    const { log, clock } = world();
    await Promise.all(Array.from({ length: 250 }, (_, at) => log.door.refused({ ...refusal, status: at < 240 ? 401 : 404 })));
    await log.door.refused({ ...refusal, address: '203.0.113.9' });
    clock.advance(1_000);
    await log.door.refused(refusal);
    const floods = await log.list({ name: 'flood' });
    expect(floods).toMatchObject([
      { kind: 'door', code: 'FLOOD', outcome: 'limited', count: 150, statuses: { 401: 140, 404: 10 }, addresses: { '192.0.2.1': 150 } },
    ]);
    expect(await log.list({ limit: 1_000 })).toHaveLength(100 + 1 + 1 + 1);
    expect(await log.verify()).toMatchObject({ ok: true });
  });

  it('leaves 1,000 records of all addresses in a second, and names those that most came from', async () => {
    const { log, clock } = world();
    await Promise.all(Array.from({ length: 3_000 }, (_, at) => log.door.refused({ ...refusal, address: from(at % 40) })));
    await Promise.all(Array.from({ length: 50_000 }, (_, at) => log.door.refused({ ...refusal, address: `2001:db8::${at.toString(16)}` })));
    clock.advance(1_000);
    await log.door.refused(refusal);
    const [flood] = await log.list({ name: 'flood' });
    expect(flood?.count).toBe(52_000);
    expect(Object.keys(flood?.addresses ?? {})).toHaveLength(20);
    expect(Object.keys(flood?.addresses ?? {})[0]).toBe('others');
    expect(JSON.stringify(flood).length).toBeLessThan(2_000);
    expect(await log.list({ limit: 5_000 })).toHaveLength(1_002);
  });

  it('is never lost: what is counted is written when the hub closes, and when the journal is back', async () => {
    const journal = createMemoryStore();
    const { log, clock } = world(journal);
    for (let at = 0; at < 120; at++) await log.door.refused(refusal);
    const { append } = journal;
    journal.append = () => Promise.reject(new Error('away'));
    clock.advance(1_000);
    await expect(log.door.refused(refusal)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    journal.append = append;
    for (let at = 0; at < 109; at++) await log.door.refused(refusal);
    await log.close?.();
    const counted = (await log.list({ name: 'flood' })).reduce((sum, { count = 0 }) => sum + count, 0);
    // One of the second hundred was refused unrecorded, and its caller told so.
    expect(counted).toBe(20 + 10);
  });
});
