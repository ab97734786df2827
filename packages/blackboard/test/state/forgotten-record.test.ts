import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrangeRecords, type KeptRecord } from '../../src/replica/record-plan.ts';
import { findInRecord, isRecordable, readRecord, writeRecord } from '../../src/state/forgotten-record.ts';

const name = fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('', ' ', 'a b', 'r_1 2', '__proto__', 'é', 'z')).filter(isRecordable);
const replicas = fc.array(fc.tuple(name, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })), { maxLength: 40 }).map((pairs) => new Map(pairs));

describe('the text of a record', () => {
  it('says of each replica what was written, however it is asked', () => {
    fc.assert(
      fc.property(replicas, name, fc.nat(), (all, other, at) => {
        const text = writeRecord({ at, replicas: all });
        expect(readRecord(text)).toEqual({ at, replicas: all });
        for (const [id, counter] of all) expect(findInRecord(text, id)).toBe(counter);
        expect(findInRecord(text, other)).toBe(all.get(other) ?? 0);
      }),
      { numRuns: 1_000 },
    );
  });

  it('may be anything, since peers write it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('\n', ' ', 'a', '1', '-', 'z', '.') }), name, (text, id) => {
        for (const counter of [findInRecord(text, id), ...readRecord(text).replicas.values()]) {
          expect(Number.isSafeInteger(counter) && counter >= 0).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the records of a board', () => {
  let keys = 0;
  const nothing = new Map<string, number>();
  /** What becomes of the records in two steps, all of it by members. */
  const carryOut = (records: readonly KeptRecord[], request: Omit<Parameters<typeof arrangeRecords>[1], 'isNew'>): KeptRecord[] => {
    const first = arrangeRecords(records, { ...request, isNew: true });
    const joined = records
      .filter(({ key }) => !first.over.includes(key))
      .concat(first.puts.map((record) => ({ key: `${keys++}`, text: writeRecord(record), isOrphan: false })));
    const { puts, over, redundant = [] } = arrangeRecords(joined, { ...request, fresh: nothing, isNew: true });
    expect({ puts, over }).toEqual({ puts: [], over: [] });
    return joined.filter(({ key }) => !redundant.includes(key));
  };
  const upTo = (records: readonly KeptRecord[], id: string) => Math.max(0, ...records.map(({ text }) => findInRecord(text, id)));

  it('are few, say the same as before and what is new, and need no more once they are arranged', () => {
    const step = fc.record({ passes: fc.nat(40), fresh: replicas, orphans: fc.array(fc.boolean(), { maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let records: KeptRecord[] = [];
        let now = 0;
        const forgotten = new Map<string, number>();
        for (const { passes, fresh, orphans } of steps) {
          now += passes;
          for (const [id, counter] of fresh) forgotten.set(id, Math.max(counter, forgotten.get(id) ?? 0));
          records = records.map((record, at) => ({ ...record, isOrphan: orphans[at] === true }));
          records = carryOut(records, { fresh, now, forgottenMs: 1_600 });
          for (const [id, counter] of forgotten) expect(upTo(records, id)).toBe(counter);
          expect(records.length).toBeLessThanOrEqual(Math.floor(now / 100) + 1);
          expect(records.some(({ isOrphan }) => isOrphan)).toBe(false);
          expect(arrangeRecords(records, { fresh: nothing, now, forgottenMs: 1_600, isNew: true })).toEqual({ puts: [], over: [], redundant: [] });
        }
        expect(carryOut(records, { fresh: nothing, now: now + 1_601, forgottenMs: 1_600 })).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('are each of a size that goes into one message', () => {
    const fresh = new Map(Array.from({ length: 10_000 }, (_, at) => [`r_${`${at}`.padStart(21, '0')}`, at + 1]));
    const records = carryOut([], { fresh, now: 5, forgottenMs: 1_600 });
    expect(records.length).toBeLessThanOrEqual(6);
    for (const { text } of records) expect(text.length).toBeLessThan(66_000);
    for (const [id, counter] of fresh) expect(upTo(records, id)).toBe(counter);
    expect(arrangeRecords(records, { fresh: nothing, now: 6, forgottenMs: 1_600, isNew: true })).toEqual({ puts: [], over: [], redundant: [] });
  });
});
