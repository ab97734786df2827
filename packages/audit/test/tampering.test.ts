import { createHash } from 'node:crypto';
import { audit, type Checkpoint } from '@meshwork/audit';
import { createHub, createMemoryJournal, inProcessPrincipal, type Journal } from '@meshwork/core';
import { collect } from '@meshwork/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

type Line = { line: string; hash: string };

/** How a link lies in the journal: its hash, a line feed, its line. */
const writeLine = ({ line, hash }: Line) => new TextEncoder().encode(`${hash}\n${line}`);
const readLine = (bytes: Uint8Array): Line => {
  const text = new TextDecoder().decode(bytes);
  return { hash: text.slice(0, 64), line: text.slice(65) };
};

/** A log of `count` records, as its journal holds it. */
async function makeLog(count: number): Promise<{ lines: Line[]; checkpoint: Checkpoint }> {
  const journal = createMemoryJournal();
  const log = audit({ journal });
  const hub = createHub({ modules: [log, { name: 'm', resources: [{ uri: 'a://b', name: 'b', read: () => ({ text: '' }) }] }] });
  for (let index = 0; index < count; index++) await hub.call({ kind: 'resource', name: 'a://b', principal: inProcessPrincipal(`p${index}`), face: 'local' });
  const lines = (await collect(journal.read('audit'))).map(({ value }) => readLine(value as Uint8Array));
  return { lines, checkpoint: await log.checkpoint() };
}

async function verify(lines: readonly Line[], checkpoint?: Checkpoint) {
  const journal: Journal = createMemoryJournal();
  await journal.append('audit', lines.map(writeLine));
  return audit({ journal }).verify(checkpoint === undefined ? {} : { checkpoint });
}

describe('verifying the chain', () => {
  it('holds for a log nobody touched, and for one that has grown since the checkpoint', async () => {
    const { lines, checkpoint } = await makeLog(30);
    expect(await verify(lines, checkpoint)).toMatchObject({ ok: true, records: 30 });
    expect(await verify([])).toMatchObject({ ok: true, records: 0 });
  });

  it('finds any one change to any record', async () => {
    const { lines } = await makeLog(20);
    const at = fc.nat({ max: lines.length - 1 });
    const change = fc.oneof(
      fc.record({ type: fc.constant('edit' as const), at, position: fc.nat({ max: 200 }), by: fc.integer({ min: 1, max: 90 }) }),
      fc.record({ type: fc.constant('hash' as const), at }),
      fc.record({ type: fc.constant('insert' as const), at }),
      fc.record({ type: fc.constant('swap' as const), at: fc.nat({ max: lines.length - 2 }) }),
      fc.record({ type: fc.constant('remove' as const), at: fc.nat({ max: lines.length - 2 }) }),
    );
    await fc.assert(
      fc.asyncProperty(change, async (each) => {
        const changed = structuredClone(lines);
        const target = changed[each.at]!;
        if (each.type === 'edit') {
          const position = each.position % target.line.length;
          const code = 33 + ((target.line.charCodeAt(position) - 33 + each.by) % 93);
          target.line = target.line.slice(0, position) + String.fromCharCode(code) + target.line.slice(position + 1);
          fc.pre(target.line !== lines[each.at]!.line);
        } else if (each.type === 'hash') target.hash = '0'.repeat(64);
        else if (each.type === 'insert') changed.splice(each.at, 0, { ...target });
        else if (each.type === 'swap') changed.splice(each.at, 2, changed[each.at + 1]!, target);
        else changed.splice(each.at, 1);
        const result = await verify(changed);
        expect(result.ok).toBe(false);
        expect(result.problem?.offset).toBeLessThanOrEqual(each.at + 2);
      }),
      { numRuns: 300 },
    );
  });

  it('finds a forged record whose hash fits the one before, unless all that follow are forged too', async () => {
    const { lines, checkpoint } = await makeLog(12);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 10 }), fc.boolean(), async (at, insert) => {
        const line = lines[at]!.line.replace('"ok"', '"denied"');
        const forged = {
          line,
          hash: createHash('sha256')
            .update(`\u0001${lines[at - 1]?.hash ?? '0'.repeat(64)}\n${line}`)
            .digest('hex'),
        };
        const changed = lines.toSpliced(at, insert ? 0 : 1, forged);
        expect(await verify(changed)).toMatchObject({ ok: false, problem: { offset: at + 2 } });
        expect(await verify(changed.slice(0, at + 1))).toMatchObject({ ok: true });
        expect(await verify(changed.slice(0, at + 1), checkpoint)).toMatchObject({ ok: false, problem: { kind: 'truncated' } });
      }),
      { numRuns: 40 },
    );
  });

  it('holds for every untouched log, and finds every cut of it by the checkpoint', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 25 }), fc.nat(), async (count, cut) => {
        const { lines, checkpoint } = await makeLog(count);
        expect(await verify(lines, checkpoint)).toMatchObject({ ok: true, records: count, head: { size: count, hash: checkpoint.hash } });
        expect(await verify(lines.slice(0, cut % count), checkpoint)).toMatchObject({ ok: false, problem: { kind: 'truncated', offset: (cut % count) + 1 } });
      }),
      { numRuns: 40 },
    );
  });

  it('finds a cut tail by the checkpoint, and only by it', async () => {
    const { lines, checkpoint } = await makeLog(20);
    for (const size of [0, 1, 10, 19]) {
      expect(await verify(lines.slice(0, size))).toMatchObject({ ok: true });
      expect(await verify(lines.slice(0, size), checkpoint)).toMatchObject({ ok: false, problem: { kind: 'truncated', offset: size + 1 } });
    }
  });

  it('finds a log written anew by the checkpoint', async () => {
    const { checkpoint } = await makeLog(10);
    const { lines } = await makeLog(12);
    expect(await verify(lines, checkpoint)).toMatchObject({ ok: false, problem: { kind: 'forked', offset: 10 } });
  });

  it('finds a record that is none', async () => {
    const { lines } = await makeLog(3);
    for (const none of [
      { line: 'x', hash: '' },
      { line: '', hash: '0'.repeat(63) },
    ])
      expect(await verify([...lines, none])).toMatchObject({ ok: false, problem: { kind: 'inserted', offset: 4 } });
  });
});
