import { auditReports, reportText } from '@meshwork/audit/report';
import { createHub, inProcessPrincipal } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { createLogWorld, createTestSigner } from './support/log-world.ts';

async function world() {
  const made = createLogWorld({ checkpoints: { signer: createTestSigner() } });
  const { calls, log, clock } = made;
  await calls(6, () => ['a://works', 'ann']);
  clock.advance(3_600_000);
  await calls(3, () => ['a://denied', 'bob']);
  await calls(2, () => ['a://breaks', 'bob']);
  await log.door.refused({ status: 401, code: 'UNAUTHENTICATED', reason: 'no key', method: 'POST', path: '/mcp', face: 'mcp', address: '203.0.113.9' });
  return { ...made, reports: auditReports({ log, clock }) };
}

describe('the report', () => {
  it('counts who did what, what was refused and when', async () => {
    const { reports } = await world();
    const report = await reports.report();
    expect(report).toMatchObject({ records: 12, total: { calls: 12, refused: 4, failed: 2 }, chain: { ok: true, records: 12 } });
    expect(report.by.principal).toEqual([
      { key: 'ann', calls: 6, refused: 0, failed: 0 },
      { key: 'bob', calls: 5, refused: 3, failed: 2 },
      { key: 'unknown', calls: 1, refused: 1, failed: 0 },
    ]);
    expect(report.by.tool.map(({ key, calls }) => [key, calls])).toEqual([
      ['a://works', 6],
      ['a://denied', 3],
      ['a://breaks', 2],
      ['door POST /mcp', 1],
    ]);
    expect(report.by.zone.map(({ key }) => key)).toEqual(['local', 'unknown']);
    expect(report.by.hour.map(({ key, calls }) => [key, calls])).toEqual([
      ['2026-01-01T00:00Z', 6],
      ['2026-01-01T01:00Z', 6],
    ]);
    expect(report.refusals.map(({ principal, code }) => [principal, code])).toEqual([
      ['unknown', 'UNAUTHENTICATED'],
      ['bob', 'DENIED'],
      ['bob', 'DENIED'],
      ['bob', 'DENIED'],
    ]);
    const of = (id: string) => report.evidence.find((each) => each.id === id);
    expect(of('MCP01')).toMatchObject({ count: 1, samples: [12] });
    expect(of('CC6.3')).toMatchObject({ count: 3, samples: [7, 8, 9] });
    expect(of('CC6.6')).toMatchObject({ count: 1 });
    expect(of('CC7.2')).toMatchObject({ count: 2 });
  });

  it('is of a span of time', async () => {
    const { reports } = await world();
    expect(await reports.report({ since: '2026-01-01T01:00:00Z' })).toMatchObject({ records: 6, from: '2026-01-01T01:00:00Z' });
    expect(await reports.report({ until: '2026-01-01T01:00:00Z' })).toMatchObject({ records: 6, total: { refused: 0 } });
    await expect(reports.report({ since: 'yesterday' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('says when the chain does not hold', async () => {
    const { reports, store, stream } = await world();
    await store.append(stream, [{ any: 'thing' }]);
    const report = await reports.report();
    expect(report.chain).toMatchObject({ ok: false, problem: expect.stringContaining('record 13') });
    expect(reportText(report, 'html')).toContain('was tampered with');
  });

  it('is a page without scripts, in which what callers chose is text', async () => {
    const { reports, call } = await world();
    await call('"><script>alert(1)</script><img src=x onerror=alert(1)>', '<b>&\u202e');
    const page = reportText(await reports.report(), 'html');
    expect(page).not.toMatch(/<script|<img|<b>|onerror=alert\(1\)>|\u202e|https?:\/\//);
    expect(page).toContain('&lt;b&gt;&amp;\\u202e');
    expect(page).toContain("default-src 'none'");
    for (const part of ['prefers-color-scheme:dark', '@media print', 'OWASP MCP', 'OWASP LLM', 'SOC 2', 'CC7.2', 'no statement of compliance'])
      expect(page).toContain(part);
    const tags = [...page.matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)].filter(([, , tag]) => tag !== 'meta');
    const open: string[] = [];
    for (const [, slash, tag = ''] of tags)
      if (slash === '/') expect(open.pop()).toBe(tag);
      else open.push(tag);
    expect(open).toEqual([]);
  });

  it('is a line for each finding, or one document', async () => {
    const { reports } = await world();
    const report = await reports.report();
    const lines = reportText(report, 'ndjson')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(new Set(lines.map(({ type }) => type))).toEqual(new Set(['summary', 'chain', 'evidence', 'row', 'refusal']));
    expect(JSON.parse(reportText(report, 'json'))).toMatchObject({ records: 12 });
  });

  it('is for admins, as a tool, like the export to be verified', async () => {
    const { log, reports } = await world();
    const tools = [...(log.tools ?? []), ...(reports.tools ?? [])];
    const hub = createHub({ modules: [{ name: 'audit', tools }] });
    const principal = inProcessPrincipal('admin');
    const use = (name: string, args: object) =>
      hub.call({ kind: 'tool', name, arguments: args, principal, face: 'local' }) as Promise<{ structuredContent?: Record<string, unknown> }>;
    expect(tools.find(({ name }) => name === 'audit_report')).toMatchObject({ effect: 'admin' });
    expect((await use('audit_report', { format: 'html' })).structuredContent).toMatchObject({ records: 12, text: expect.stringContaining('<!doctype html>') });
    const page = await use('audit_export', { format: 'chain', limit: 10 });
    expect(page.structuredContent).toMatchObject({ count: 10, next_after: 10 });
    const last = await use('audit_export', { format: 'chain', limit: 10, after: 10 });
    expect(last.structuredContent).toMatchObject({ count: 2, text: expect.stringContaining('"end":12') });
    expect(last.structuredContent).not.toHaveProperty('next_after');
    expect(await use('audit_export', { format: 'chain', principal: 'x' })).toMatchObject({ isError: true });
  });

  it('counts many names together once there are too many', async () => {
    const { log, calls, clock } = createLogWorld();
    await calls(300, (at) => ['a://works', `p${at}`]);
    const { by } = await auditReports({ log, clock }).report();
    expect(by.principal).toHaveLength(201);
    expect(by.principal.at(-1)).toMatchObject({ key: '(others)', calls: 100 });
  });
});
