import type { Checkpoint } from '@meshwork/audit';
import { verifyExport } from '@meshwork/audit/offline';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLogWorld, createTestSigner, inPieces } from './support/log-world.ts';

async function world(count = 20) {
  const made = createLogWorld({ stream: 'audit', checkpoints: { signer: createTestSigner() } });
  const checkpoints: Checkpoint[] = [];
  for (let at = 0; at < count; at++) {
    await made.call(`a://odd\u2028\u202e\u007f\\u2028 ${at} é \n"`, 'somebody\u0085');
    if (at % 5 === 4) checkpoints.push(await made.log.checkpoint());
  }
  const text = await made.exported();
  const [header = '', ...rest] = text.trimEnd().split('\n');
  const trailer = rest.pop() ?? '';
  const verify = (lines: readonly string[], given: readonly Checkpoint[] = [], around = [header, trailer]) =>
    verifyExport(inPieces([around[0], ...lines, ...around.slice(1)].map((line) => `${line}\n`).join('')), { checkpoints: given });
  return { ...made, text, header, records: rest, trailer, checkpoints, verify };
}

describe('an exported chain', () => {
  it('holds without the hub, whatever its names hold, with every checkpoint that was taken', async () => {
    const { records, checkpoints, verify, text } = await world();
    expect(records).toHaveLength(20);
    expect(text).not.toMatch(/[\u2028\u202e\u0085\u007f]/);
    expect(await verify(records, checkpoints)).toMatchObject({ ok: true, records: 20, head: { size: 20, hash: checkpoints.at(-1)?.hash } });
  });

  it('names whatever is done to it', async () => {
    const { records, checkpoints, verify, header, trailer } = await world();
    const other = await world(25);
    const edit = records.with(7, records[7]!.replace('"invalid"', '"ok"').replace('"unknown-name"', '"ok"'));
    expect(edit).not.toEqual(records);
    const cases = [
      ['edited', 8, edit, [header, trailer]],
      ['reordered', 4, records.toSpliced(3, 2, records[4]!, records[3]!), [header, trailer]],
      ['missing', 4, records.toSpliced(3, 1), [header, trailer]],
      ['reordered', 5, records.toSpliced(4, 0, records[3]!), [header, trailer]],
      ['inserted', 5, records.toSpliced(4, 0, '{"any":"thing"}'), [header, trailer]],
      ['truncated', 11, records.slice(0, 10), [header]],
      ['truncated', 11, records.slice(0, 10), [header, trailer]],
      ['inserted', 21, records, [header, trailer, records[0]!]],
      ['forked', 5, other.records, [other.header, other.trailer]],
      ['missing', 1, records.slice(5), [JSON.stringify({ ...JSON.parse(header), after: 5, hash: 'a'.repeat(64) }), trailer]],
    ] as const;
    for (const [kind, offset, lines, around] of cases) {
      const result = await verify(lines, checkpoints, [...around]);
      expect(result, kind).toMatchObject({ ok: false, problem: { kind, offset } });
      expect(result.problem?.advice).not.toBe('');
    }
  });

  it('shows a cut that was made to look like an end by the checkpoint alone', async () => {
    const { records, checkpoints, verify, header } = await world();
    const hash = JSON.parse(records[9]!).hash;
    const trailer = JSON.stringify({ meshwork_audit: 1, hash, end: 10 });
    expect(await verify(records.slice(0, 10), [], [header, trailer])).toMatchObject({ ok: true });
    expect(await verify(records.slice(0, 10), checkpoints, [header, trailer])).toMatchObject({ ok: false, problem: { kind: 'truncated', offset: 11 } });
  });

  it('is told from one that was not written to its end, without any checkpoint', async () => {
    const { records, verify, header } = await world();
    expect(await verify(records, [], [header])).toMatchObject({ ok: false, problem: { kind: 'truncated', offset: 21 } });
  });

  it('may begin behind the start where a checkpoint or a signed anchor says so, and nowhere else', async () => {
    const { records, checkpoints, verify, header, trailer } = await world();
    const from5 = JSON.stringify({ ...JSON.parse(header), after: 5, hash: checkpoints[0]!.hash });
    expect(await verify(records.slice(5), checkpoints, [from5, trailer])).toMatchObject({ ok: true, records: 15, keptFrom: 6 });
    expect(await verify(records.slice(5), checkpoints.slice(1), [from5, trailer])).toMatchObject({ ok: false, problem: { kind: 'missing', offset: 1 } });
  });

  it('shows any other byte in any record', async () => {
    const { records, verify } = await world(8);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 7 }), fc.nat(), fc.integer({ min: 33, max: 126 }), async (at, place, code) => {
        const line = records[at]!;
        const changed = line.slice(0, place % line.length) + String.fromCharCode(code) + line.slice((place % line.length) + 1);
        fc.pre(changed !== line && changed.replaceAll(/\\u\w{4}/gi, (each) => each.toLowerCase()) !== line);
        expect((await verify(records.with(at, changed))).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('is told from other files', async () => {
    for (const text of ['', 'x', '{"seq":1}\n', `${'x'.repeat(5_000_000)}`])
      await expect(verifyExport(inPieces(text, 65_536))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('is one of no records for an empty log', async () => {
    const { exported } = createLogWorld();
    expect(await verifyExport(inPieces(await exported()))).toMatchObject({ ok: true, records: 0 });
  });
});
