import {
  checkLinearizable,
  keyValueModel,
  type Operation,
  type RegisterInput,
  type RegisterOutput,
  recordOperations,
  registerModel,
} from '@meshwork/testing/linearizability';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLinearizableByForce } from './brute-force.ts';
import { randomHistory } from './random-history.ts';

type Recorded = Operation<RegisterInput, RegisterOutput>;

const write = (client: string, called: number, returned: number, value: number): Recorded => ({
  client,
  input: { type: 'write', value },
  output: undefined,
  called,
  returned,
});
const read = (client: string, called: number, returned: number, output: RegisterOutput): Recorded => ({
  client,
  input: { type: 'read' },
  output,
  called,
  returned,
});
const cas = (client: string, [called, returned]: readonly [number, number], [expected, value]: readonly [number, number], output: boolean): Recorded => ({
  client,
  input: { type: 'cas', expected, value },
  output,
  called,
  returned,
});
const lostWrite = (client: string, called: number, value: number): Recorded => ({ client, input: { type: 'write', value }, called });
const lostRead = (client: string, called: number): Recorded => ({ client, input: { type: 'read' }, called });

const verdictOf = (history: readonly Recorded[]) => checkLinearizable(registerModel(0), history).verdict;

describe('a linearizable history', () => {
  it.each<[string, readonly Recorded[]]>([
    ['is empty', []],
    ['is sequential', [write('a', 1, 2, 1), read('b', 3, 4, 1), cas('a', [5, 6], [1, 2], true), cas('b', [7, 8], [1, 3], false), read('a', 9, 10, 2)]],
    ['has a read beside a write that sees what was before', [write('a', 1, 10, 1), read('b', 2, 3, 0)]],
    ['has a read beside a write that sees what comes', [write('a', 1, 10, 1), read('b', 2, 3, 1), read('c', 4, 5, 1)]],
    ['has writes side by side that take effect against the order of their calls', [write('a', 1, 10, 1), write('b', 2, 9, 2), read('c', 11, 12, 1)]],
    ['has a write of which nobody knows, seen much later', [lostWrite('a', 1, 1), read('b', 2, 3, 0), read('b', 4, 5, 0), read('b', 6, 7, 1)]],
    ['has a write of which nobody knows, never seen', [lostWrite('a', 1, 1), write('b', 2, 3, 2), read('b', 4, 5, 2)]],
    ['has a read of which nobody knows', [lostRead('a', 1), write('b', 2, 3, 2), read('b', 4, 5, 2)]],
    ['returns and calls in one moment, in either order', [write('a', 1, 2, 1), read('b', 2, 3, 0)]],
    ['needs a compare-and-set of which nobody knows', [{ client: 'a', input: { type: 'cas', expected: 0, value: 5 }, called: 1 }, read('b', 2, 3, 5)]],
  ])('%s', (_name, history) => {
    expect(verdictOf(history)).toBe('linearizable');
    expect(isLinearizableByForce(registerModel(0), history)).toBe(true);
  });
});

describe('a violation', () => {
  it.each<[string, readonly Recorded[]]>([
    ['a stale read', [write('a', 1, 2, 1), read('b', 3, 4, 0)]],
    ['a lost write', [write('a', 1, 2, 1), write('b', 3, 4, 2), read('c', 5, 6, 1)]],
    ['a split brain', [write('a', 1, 4, 1), write('b', 2, 3, 2), read('a', 5, 6, 1), read('b', 5, 6, 2), read('a', 7, 8, 1), read('b', 7, 8, 2)]],
    ['reads that go backwards', [write('a', 1, 10, 1), read('b', 2, 3, 1), read('c', 4, 5, 0)]],
    ['a compare-and-set that succeeds twice', [cas('a', [1, 4], [0, 1], true), cas('b', [2, 3], [0, 2], true)]],
    ['a compare-and-set that fails against what is there', [write('a', 1, 2, 1), cas('b', [3, 4], [1, 2], false)]],
    ['a read of what nobody wrote', [write('a', 1, 2, 1), read('b', 1, 2, 7)]],
    ['a write of which nobody knows, seen before its call', [read('b', 1, 2, 1), lostWrite('a', 3, 1)]],
    [
      'a write of which nobody knows, seen, gone and seen again',
      [lostWrite('a', 1, 1), read('b', 2, 3, 1), write('b', 4, 5, 2), read('b', 6, 7, 2), read('b', 8, 9, 1)],
    ],
  ])('is found: %s', (_name, history) => {
    expect(verdictOf(history)).toBe('violated');
    expect(isLinearizableByForce(registerModel(0), history)).toBe(false);
  });

  it('is told as the shortest beginning that fails, with what came last', () => {
    const sound = Array.from({ length: 40 }, (_, index) => write('a', 10 * index + 1, 10 * index + 2, index));
    const history = [...sound, read('b', 405, 406, 39), read('b', 407, 408, 3), read('c', 409, 410, 39), lostWrite('d', 404, 77), lostWrite('e', 500, 78)];
    const result = checkLinearizable(registerModel(0), history);
    if (result.verdict !== 'violated') throw new Error('the stale read was not found');
    expect(result.counterexample.last).toEqual(read('b', 407, 408, 3));
    expect(result.counterexample.operations).toHaveLength(43);
    expect(result.counterexample.order).toHaveLength(41);
    expect(result.counterexample.timeline).toContain('{"type":"read"} -> 3  <== no place found');
    expect(result.counterexample.timeline).toContain('(27 earlier operations are not shown)');
  });

  it('counts as pending what had not returned when it showed', () => {
    const result = checkLinearizable(registerModel(0), [write('a', 1, 20, 1), read('b', 2, 3, 1), read('c', 4, 5, 0), read('c', 30, 31, 1)]);
    if (result.verdict !== 'violated') throw new Error('the read that goes backwards was not found');
    expect(result.counterexample.operations).toEqual([{ client: 'a', input: { type: 'write', value: 1 }, called: 1 }, read('b', 2, 3, 1), read('c', 4, 5, 0)]);
    expect(result.counterexample.timeline).toMatchInlineSnapshot(`
      "not linearizable; [n] is the place in the longest order that could be found
        a |----…  {"type":"write","value":1} (outcome unknown)  [1]
        b  ||     {"type":"read"} -> 1  [2]
        c    ||   {"type":"read"} -> 0  <== no place found"
    `);
  });

  it('is found in the one key of many that has it', () => {
    const history = randomHistory({ operations: 400, keys: 8, clients: 5, random: seeded(7) });
    const end = 100_000;
    const wrong = { client: 'z', input: { type: 'read', key: 'key/3' }, output: -7, called: end, returned: end + 1 } as const;
    const result = checkLinearizable(keyValueModel(), [...history, wrong]);
    if (result.verdict !== 'violated') throw new Error('the wrong read was not found');
    expect(result.counterexample).toMatchObject({ partition: 'key/3', last: wrong });
  });
});

describe('the checker', () => {
  it('agrees with one that tries every order, on small histories of any kind', () => {
    const value = fc.integer({ min: 0, max: 2 });
    const input = fc.oneof(
      fc.constant({ type: 'read' } as const),
      fc.record({ type: fc.constant('write' as const), value }),
      fc.record({ type: fc.constant('cas' as const), expected: value, value }),
    );
    const operation = fc.record({ input, called: fc.nat(8), lasts: fc.nat(4), saw: value, succeeded: fc.boolean(), lost: fc.integer({ min: 0, max: 3 }) });
    const verdicts = { true: 0, false: 0 };
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 5 }), (drawn) => {
        const history = drawn.map(({ input, called, lasts, saw, succeeded, lost }, index): Recorded => {
          const client = `${index}`;
          if (lost === 0) return { client, input, called };
          const output = input.type === 'read' ? saw : input.type === 'cas' ? succeeded : undefined;
          return { client, input, output, called, returned: called + lasts };
        });
        const expected = isLinearizableByForce(registerModel(0), history);
        verdicts[`${expected}`] += 1;
        expect(verdictOf(history)).toBe(expected ? 'linearizable' : 'violated');
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(200);
  });

  it('accepts every history made from a sequential run by stretching its operations', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 6 }), fc.constantFrom(0, 0.05), (seed, clients, share) => {
        const history = randomHistory({ operations: 120, keys: 3, clients, share, random: seeded(seed) });
        expect(checkLinearizable(keyValueModel(), history).verdict).toBe('linearizable');
      }),
      { numRuns: 100 },
    );
  });

  it('decides 10,000 operations of 8 clients on 20 keys in few steps', () => {
    const history = randomHistory({ operations: 10_000, keys: 20, clients: 8, share: 0.002, random: seeded(1) });
    const { verdict, steps } = checkLinearizable(keyValueModel(), history);
    expect(verdict).toBe('linearizable');
    expect(steps).toBeLessThan(500_000);
  });

  it('says that it does not know rather than search without end', () => {
    // Every order of the writes is tried before the read of nothing is known to be wrong.
    const writes = Array.from({ length: 24 }, (_, index) => write(`${index}`, 0, 100, index + 1));
    const history = [...writes, read('z', 101, 102, -1)];
    expect(checkLinearizable(registerModel(0), history, { maxSteps: 1_000 })).toEqual({ verdict: 'unknown', steps: 1_001, partitions: [''] });
    expect(checkLinearizable(registerModel(0), history, { maxMs: 0 }).verdict).toBe('unknown');
  });

  it('searches what it has been through once', () => {
    const writes = Array.from({ length: 10 }, (_, index) => write(`${index}`, 0, 100, index + 1));
    const lost = Array.from({ length: 16 }, (_, index) => lostWrite(`lost ${index}`, 0, index + 100));
    const wrong = read('z', 101, 102, -1);
    // Ten factorial orders, and two to the sixteen sets of writes of which nobody knows.
    expect(checkLinearizable(registerModel(0), [...writes, wrong], { maxSteps: 100_000 }).verdict).toBe('violated');
    expect(checkLinearizable(registerModel(0), [write('a', 0, 1, 1), ...lost, wrong], { maxSteps: 100_000 }).verdict).toBe('violated');
  });

  it('refuses an operation that returns before it is called', () => {
    expect(() => checkLinearizable(registerModel(0), [read('a', 2, 1, 0)])).toThrow(TypeError);
    expect(() => checkLinearizable(registerModel(0), [read('a', 2, Number.NaN, 0)])).toThrow(TypeError);
  });
});

describe('a recorder', () => {
  it('keeps what ended, what failed and what never ends, and leaves out what did not happen', async () => {
    const refused = new Error('refused');
    const recorder = recordOperations<RegisterInput, RegisterOutput>({ didNotHappen: (error) => error === refused });
    await recorder.perform('a', { type: 'write', value: 1 }, async () => undefined);
    await expect(recorder.perform('b', { type: 'write', value: 2 }, () => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    await expect(recorder.perform('c', { type: 'write', value: 3 }, () => Promise.reject(refused))).rejects.toThrow(refused);
    void recorder.perform('d', { type: 'write', value: 4 }, () => new Promise(() => {}));
    expect(recorder.history()).toEqual([write('a', 1, 2, 1), lostWrite('b', 3, 2), lostWrite('d', 5, 4)]);
    await recorder.perform('e', { type: 'read' }, async () => 4);
    expect(verdictOf(recorder.history())).toBe('linearizable');
    await recorder.perform('e', { type: 'read' }, async () => 1);
    expect(verdictOf(recorder.history())).toBe('violated');
  });
});

/** Mulberry32: small, and the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
