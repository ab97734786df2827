import { audit } from '@meshwork/audit';
import {
  createHub,
  createMemoryStore,
  DeniedError,
  defineTool,
  inProcessPrincipal,
  inputRequired,
  type Journal,
  type Module,
  toolAnswer,
} from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const principal = inProcessPrincipal('tester');
const tool = (name: string, run: (args: Record<string, unknown>) => unknown) =>
  defineTool({ name, description: name, category: 'test', effect: 'write', input: z.looseObject({}), run: run as never });

function world(journal: Journal = createMemoryStore()) {
  const log = audit({ journal });
  const tools = [
    tool('works', () => toolAnswer([])),
    tool('breaks', () => {
      throw new Error('broken');
    }),
    tool('asks', () => inputRequired({ q: { method: 'elicitation/create' } })),
  ];
  const gate: Module = {
    name: 'gate',
    stages: {
      authorize: async ({ call }, next) => {
        if (call.name !== 'works' || !JSON.stringify(call.arguments ?? {}).includes('forbidden')) return next();
        call.decisions.push({ by: 'gate', effect: 'deny', policies: ['p1'] });
        throw new DeniedError('no', { policies: ['p1'] });
      },
    },
  };
  const resource = { uri: 'a://b', name: 'b', read: () => ({ text: 'x' }) };
  const hub = createHub({ modules: [log, gate, { name: 'm', tools, resources: [resource] }] });
  const call = (name: string, args: unknown = {}, more: object = {}) =>
    hub.call({ name, arguments: args, principal, face: 'local', ...more }).catch((error) => error);
  return { log, hub, call, journal };
}

describe('every call', () => {
  it.each([
    ['that works', 'works', {}, 'ok', undefined],
    ['that breaks', 'breaks', {}, 'failed', 'INTERNAL'],
    ['that is refused', 'works', { a: 'forbidden' }, 'denied', 'DENIED'],
    ['with arguments that do not fit', 'works', 'text', 'invalid', 'INVALID_INPUT'],
    ['to a name nothing has', 'nope', {}, 'unknown-name', 'NOT_FOUND'],
    ['that asks a question', 'asks', {}, 'input-required', undefined],
  ])('%s leaves exactly one record', async (_what, name, args, outcome, code) => {
    const { log, call } = world();
    await call(name, args);
    const records = await log.list();
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ v: 1, seq: 1, name, kind: 'tool', face: 'local', outcome, principal: { id: 'tester', zone: 'local', trust: 0.9 } });
    expect(records[0]?.code).toBe(code);
  });

  it('to a resource leaves one too, with its trace', async () => {
    const { log, call } = world();
    await call('a://b', undefined, { kind: 'resource', trace: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } });
    expect(await log.list()).toMatchObject([{ kind: 'resource', name: 'a://b', outcome: 'ok', trace_id: '0af7651916cd43dd8448eb211c80319c' }]);
  });

  it('is in the journal before its result is out', async () => {
    const { journal, call } = world();
    const { append } = journal;
    let written = 0;
    journal.append = async (...args) => {
      await new Promise((resolve) => setImmediate(resolve));
      const offsets = await append(...args);
      written += offsets.length;
      return offsets;
    };
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        call('works')
          .then(() => expect(written).toBeGreaterThan(0))
          .then(() => index),
      ),
    );
    expect(written).toBe(10);
  });

  it('fails when it cannot be recorded, and the log goes on when the journal works again', async () => {
    const { journal, call, log } = world();
    const { append } = journal;
    await call('works');
    journal.append = () => Promise.reject(new Error('disk full'));
    expect(await call('works')).toMatchObject({ isError: true, structuredContent: { code: 'UNAVAILABLE' } });
    journal.append = append;
    await call('works');
    expect(await log.verify()).toMatchObject({ ok: true, records: 2 });
  });

  it('of a thousand at once is there, in a chain that holds', async () => {
    const { log, call } = world();
    await Promise.all(Array.from({ length: 1_000 }, () => call('works')));
    expect(await log.verify()).toMatchObject({ ok: true, records: 1_000 });
    expect(new Set((await log.list({ limit: 2_000 })).map(({ call_id }) => call_id)).size).toBe(1_000);
  });
});

describe('secrets', () => {
  const token = `gt_${'Zx9'.repeat(14)}A`;
  const key = `mk_0123456789abcdef_${'Qy7'.repeat(14)}B`;

  it('are in no record and no export, wherever they were put', async () => {
    const { log, call, journal } = world();
    await call('works', { token, justification: `my key is ${key}`, forbidden: [token] });
    await call(`tool-${token}`);
    await call(`a://${key}`, undefined, { kind: 'resource' });
    const shown: unknown[] = [await log.list()];
    for (const format of ['ndjson', 'csv'] as const) for await (const line of log.export({ format })) shown.push(line);
    for await (const record of journal.read('audit')) shown.push(record);
    expect(JSON.stringify(shown)).not.toMatch(/Zx9Zx9|Qy7Qy7/);
  });

  it('do not make the digests of equal arguments differ in order', async () => {
    const { log, call } = world();
    await call('works', { a: 1, b: { c: [2], d: null } });
    await call('works', { b: { d: null, c: [2] }, a: 1 });
    await call('works', { a: 1, b: { c: [3], d: null } });
    const [third, second, first] = (await log.list()).map(({ arguments_digest }) => arguments_digest);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it('nor a name of a megabyte fill the log', async () => {
    const { log, call } = world();
    await call('x'.repeat(1_000_000));
    expect(JSON.stringify(await log.list()).length).toBeLessThan(2_000);
  });
});

describe('searching and exporting', () => {
  it('filters, newest first, a page at a time', async () => {
    const { log, call } = world();
    for (let index = 0; index < 1_200; index++) await call(index % 3 === 0 ? 'breaks' : 'works');
    const failed = await log.list({ outcome: 'failed', limit: 1_000 });
    expect(failed).toHaveLength(400);
    expect(failed[0]?.seq).toBe(1_198);
    const page = await log.list({ limit: 10 });
    expect((await log.list({ limit: 10, before: page.at(-1)?.seq ?? 0 }))[0]?.seq).toBe(1_190);
  });

  it('defuses formulas and quotes in CSV, and keeps one record a line', async () => {
    const { log, call } = world();
    await call('=HYPERLINK("http://x")');
    await call('a,"b"\nc');
    let csv = '';
    for await (const line of log.export({ format: 'csv' })) csv += line;
    expect(csv).toContain(`"'=HYPERLINK(""http://x"")"`);
    expect(csv).toContain('"a,""b""\\u000ac"');
    let ndjson = '';
    for await (const line of log.export({ format: 'ndjson' })) ndjson += line;
    expect(
      ndjson
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).seq),
    ).toEqual([1, 2]);
  });
});

describe('the tools', () => {
  it('list, verify, take checkpoints and export', async () => {
    const { call } = world();
    await call('works');
    const { structuredContent: checkpoint } = await call('audit_checkpoint');
    expect(await call('audit_verify', { checkpoint })).toMatchObject({ structuredContent: { ok: true } });
    expect(await call('audit_list', { name: 'works' })).toMatchObject({ structuredContent: { records: [{ seq: 1 }] } });
    expect(await call('audit_export', { format: 'csv', limit: 2 })).toMatchObject({ structuredContent: { count: 2, next_before: 3 } });
    expect(await call('audit_list', { limit: 0 })).toMatchObject({ structuredContent: { code: 'INVALID_INPUT' } });
  });
});
