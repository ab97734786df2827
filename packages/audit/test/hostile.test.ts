import { audit } from '@meshwork/audit';
import { createHub, createMemoryJournal, defineTool, inProcessPrincipal, type Module } from '@meshwork/core';
import { collect, manualClock } from '@meshwork/testing';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

const token = `gt_${'Zx9'.repeat(14)}A`;

function world({ isExclusive = false } = {}) {
  const journal = createMemoryJournal();
  const clock = manualClock();
  const log = audit({ journal, clock, isExclusive });
  const tool = defineTool({
    name: 'changes',
    description: 'Changes what it was given.',
    category: 'test',
    effect: 'write',
    input: z.looseObject({}),
    run: (args) => {
      const inner = (args as { inner?: string[] }).inner;
      if (inner !== undefined) inner.push('changed');
      return { content: [], isError: true, structuredContent: { code: token } } as never;
    },
  });
  const resource = {
    uri: 'a://nothing',
    name: 'n',
    read: () => {
      throw undefined;
    },
  };
  const gate: Module = {
    name: 'gate',
    stages: {
      authorize: ({ call }, next) => {
        call.decisions.push({ by: 'gate', effect: 'allow', policies: ['p'], reason: `because of ${token}, ${'long '.repeat(1_000)}` });
        return next();
      },
    },
  };
  const hub = createHub({ clock, modules: [log, gate, { name: 'm', tools: [tool], resources: [resource] }] });
  const call = (more: object = {}) =>
    hub.call({ name: 'changes', principal: inProcessPrincipal('p'), face: 'local', ...more }).catch((error: unknown) => ({ thrown: error }));
  return { journal, clock, log, call };
}

/** Arguments that cannot be written as JSON. */
const unwritable = (): [string, unknown][] => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  let deep: unknown = 1;
  for (let level = 0; level < 50_000; level++) deep = [deep];
  return [
    ['a cycle', cycle],
    ['fifty thousand levels', { deep }],
    ['a bigint', { n: 1n }],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('trap');
        },
      },
    ],
  ];
};

describe('nobody escapes the record', () => {
  it.each(unwritable())('by sending %s as arguments', async (_what, args) => {
    const { log, call } = world();
    await call({ arguments: args });
    expect(await log.list()).toMatchObject([{ name: 'changes', arguments_digest: 'unreadable' }]);
  });

  it('by throwing undefined', async () => {
    const { log, call } = world();
    await call({ kind: 'resource', name: 'a://nothing' });
    expect(await log.list()).toMatchObject([{ outcome: 'failed', code: 'INTERNAL' }]);
  });

  it('by changing the arguments before they are recorded', async () => {
    const { log, call } = world();
    await call({ arguments: { inner: ['a'] } });
    await call({ arguments: { inner: ['a'] } });
    await call({ arguments: { inner: ['a', 'changed'] } });
    const [third, second, first] = (await log.list()).map(({ arguments_digest }) => arguments_digest);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });
});

describe('a token is in no record', () => {
  it.each([
    ['inside a word', `tool_${token}`],
    ['percent-encoded in a URI', `grants://x?t=${token.replace('_', '%5F')}`],
    ['in a name that is cut', `${'x'.repeat(250)}${token}`],
    ['as the key of an argument, the code of a failure and the reason of a decision', 'changes'],
  ])('%s', async (_where, name) => {
    const { journal, call } = world();
    await call({ name, arguments: { [token]: token }, idempotencyKey: token });
    const [record] = await collect(journal.read('audit'));
    expect(record).toBeDefined();
    const text = new TextDecoder().decode(record?.value as Uint8Array);
    expect(text).toContain('"call_id"');
    expect(text).not.toContain('Zx9');
    expect(text.length).toBeLessThan(2_000);
  });
});

describe('a record', () => {
  it.each([
    ['a well-formed one', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined],
    ['a parent of zeros', `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`, undefined],
    ['the forbidden version', 'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', undefined],
    ['capitals', '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01', undefined],
    ['a megabyte', 'a'.repeat(1_000_000), undefined],
  ])('takes the trace id only of a valid traceparent: %s', async (_what, traceparent, traceId) => {
    const { log, call } = world();
    await call({ trace: { traceparent } });
    expect((await log.list())[0]?.trace_id).toBe(traceId);
  });

  it('shows the repetitions of one call by the digest of their key', async () => {
    const { log, call } = world();
    for (const idempotencyKey of ['k1', 'k1', 'k2', undefined]) await call({ idempotencyKey });
    const [none, other, second, first] = (await log.list()).map((record) => record.idempotency_key_digest);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect([second === first, other === first, none]).toEqual([true, false, undefined]);
  });
});

describe('searching', () => {
  it('compares times, however they are written', async () => {
    const { log, call, clock } = world();
    for (let index = 0; index < 3; index++) {
      await call();
      clock.advance(500);
    }
    const seqs = async (filter: object) => (await log.list(filter)).map(({ seq }) => seq);
    expect(await seqs({ since: '2026-01-01T00:00:00Z' })).toEqual([3, 2, 1]);
    expect(await seqs({ until: '2026-01-01T00:00:00Z' })).toEqual([]);
    expect(await seqs({ until: '2026-01-01T01:00:01+01:00' })).toEqual([2, 1]);
    await expect(log.list({ since: 'yesterday' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('goes on over lines that somebody broke', async () => {
    const { log, call, journal } = world();
    await call();
    for (const line of ['null', '{}', '{"seq":1}', 'x', '{"seq":9,"principal":null,"decisions":[]}', '{"seq":9,"principal":{"id":"p"},"decisions":[null]}'])
      await journal.append('audit', [new TextEncoder().encode(`${'h'.repeat(64)}\n${line}`)]);
    expect(await log.list({ principal: 'p' })).toHaveLength(1);
    expect(await collect(log.export({ format: 'csv' }))).toHaveLength(2);
  });

  it('shows each record of a trimmed stream once', async () => {
    const { log, call, journal } = world();
    await Promise.all(Array.from({ length: 1_100 }, () => call()));
    await journal.trim('audit', 590);
    const seqs = (await log.list({ limit: 5_000 })).map(({ seq }) => seq);
    expect([seqs.length, seqs[0], seqs.at(-1), new Set(seqs).size]).toEqual([511, 1_100, 590, 511]);
  });
});

describe('a trimmed stream', () => {
  it('verifies from a trusted checkpoint on, and goes on growing', async () => {
    const { log, call, journal } = world();
    for (let index = 0; index < 5; index++) await call();
    const from = await log.checkpoint();
    for (let index = 0; index < 3; index++) await call();
    await journal.trim('audit', 6);
    expect(await log.verify()).toMatchObject({ ok: false, problem: { kind: 'missing', offset: 1 } });
    expect(await log.verify({ from, checkpoint: from })).toMatchObject({ ok: true, records: 3, head: { size: 8 } });
    expect(await log.verify({ from: { ...from, hash: 'a'.repeat(64) } })).toMatchObject({ ok: false, problem: { offset: 6 } });
    expect(await log.verify({ from, checkpoint: { ...from, hash: 'a'.repeat(64) } })).toMatchObject({ ok: false, problem: { kind: 'forked' } });
    await call();
    expect(await log.verify({ from })).toMatchObject({ ok: true, records: 4 });
  });

  it('that lost its end is found truncated, and gives no checkpoint', async () => {
    const { log, call, journal } = world();
    for (let index = 0; index < 3; index++) await call();
    const from = { ...(await log.checkpoint()), size: 2 };
    await journal.trim('audit', 4);
    expect(await log.verify({ from })).toMatchObject({ ok: false, problem: { kind: 'truncated', offset: 3 } });
    await expect(log.checkpoint()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it.each([
    ['of another stream', { stream: 'other' }],
    ['with half a record', { size: 1.5 }],
    ['with no record count', { size: Number.NaN }],
    ['with a damaged hash', { hash: 'x' }],
  ])('refuses a checkpoint %s rather than pass over it', async (_what, fault) => {
    const { log, call } = world();
    await call();
    await expect(log.verify({ checkpoint: { ...(await log.checkpoint()), ...fault } })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('the only writer', () => {
  it('records calls behind what somebody else has written to its stream, and its chain shows the stranger', async () => {
    const { log, call, journal } = world();
    await call();
    await journal.append('audit', [new TextEncoder().encode(`${'a'.repeat(64)}\n{"seq":2}`)]);
    expect(await call()).not.toMatchObject({ structuredContent: { code: 'UNAVAILABLE' } });
    expect(await log.verify()).toMatchObject({ ok: false, problem: { offset: 2 } });
    expect(await log.list()).toHaveLength(2);
  });

  it('goes on with the chain after a restart', async () => {
    const { call, journal, log } = world();
    await call();
    const again = audit({ journal });
    const hub = createHub({ modules: [again] });
    await hub.call({ name: 'audit_list', arguments: {}, principal: inProcessPrincipal('p'), face: 'local' });
    expect(await log.verify()).toMatchObject({ ok: true, records: 2 });
  });

  it('writes what came during an append with one more append', async () => {
    const { call, journal } = world();
    const sizes: number[] = [];
    const { append } = journal;
    journal.append = async (stream, records, options) => {
      sizes.push(records.length);
      await new Promise((resolve) => setImmediate(resolve));
      return append(stream, records, options);
    };
    const first = call();
    while (sizes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([first, ...Array.from({ length: 63 }, () => call())]);
    expect(sizes).toEqual([1, 63]);
  });

  it('chains on before the last append is done where it is alone, and writes again what came behind one that fails', async () => {
    const { call, journal, log } = world({ isExclusive: true });
    const { append } = journal;
    const appends: PromiseWithResolvers<void>[] = [];
    journal.append = async (stream, records, options) => {
      const gate = Promise.withResolvers<void>();
      appends.push(gate);
      await gate.promise;
      return append(stream, records, options);
    };
    const underWay = (count: number) => vi.waitFor(() => expect(appends).toHaveLength(count), { interval: 1, timeout: 15_000 });
    const first = call();
    await underWay(1);
    appends[0]?.resolve();
    await first;
    const refused = call();
    await underWay(2);
    const behind = call();
    await underWay(3);
    journal.append = append;
    appends[1]?.reject(new Error('the disk is full'));
    appends[2]?.resolve();
    expect(await refused).toMatchObject({ structuredContent: { code: 'UNAVAILABLE' } });
    expect(await behind).not.toMatchObject({ structuredContent: { code: 'UNAVAILABLE' } });
    await Promise.all(Array.from({ length: 20 }, () => call()));
    expect(await log.verify()).toMatchObject({ ok: true, records: 22 });
  });
});
