import { ConflictError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { createLevelRecords } from '../../src/board/level-records.ts';
import { createHybridClock } from '../../src/hybrid-clock.ts';
import type { StrongReading, StrongStore, StrongWrite } from '../../src/index.ts';

type Fate = 'lost' | 'late' | 'done and lost' | 'away';

/** Registers whose compare-and-sets end as they are told to; `late` ones happen when `arrive` is called. */
function createStore() {
  const registers = new Map<string, StrongReading>();
  const fates: Fate[] = [];
  const late: (() => void)[] = [];
  let reads = 0;
  const put = (write: StrongWrite): StrongReading => {
    if (registers.has(write.key)) throw new ConflictError('it is there');
    const reading = { ...write, version: 'v', replica: 'r' };
    registers.set(write.key, reading);
    return reading;
  };
  const store: StrongStore = {
    hasCompareAndSet: true,
    async read(key) {
      reads += 1;
      return registers.get(key);
    },
    write: async (write) => put(write),
    async compareAndSet(write) {
      const fate = fates.shift();
      if (fate === 'away') throw new UnavailableError('the store is away');
      if (fate === undefined) return put(write);
      if (fate === 'done and lost') put(write);
      if (fate === 'late') late.push(() => put(write));
      throw new UnknownOutcomeError('nobody knows');
    },
    list: async () => [],
    onChange: () => () => {},
    async close() {},
  };
  const arrive = () => {
    for (const put of late.splice(0)) {
      try {
        put();
      } catch {
        // Refused: the register was written before.
      }
    }
  };
  const open = (more: { readonly mostRemembered?: number } = {}) =>
    createLevelRecords({ store, time: createHybridClock(manualClock(), () => {}), hub: 'one', ...more });
  return { open, registers, fates, arrive, reads: () => reads };
}

const soon = () => AbortSignal.timeout(2_000);

describe('records of chosen levels', () => {
  it.each<[Fate]>([['lost'], ['late'], ['done and lost']])('settle a choice that is %s by the record', async (fate) => {
    const { open, registers, fates, arrive } = createStore();
    fates.push(fate);
    expect(await open().choose('k', 'strong', soon())).toBe('strong');
    arrive();
    expect(registers.get('\u0000level/k')?.value).toBe('strong');
    expect(await open().choose('k', 'eventual', soon())).toBe('strong');
  });

  it('take the other choice when a lost one comes too late', async () => {
    const { open, fates, arrive } = createStore();
    fates.push('late', 'away');
    const one = open();
    await expect(one.choose('k', 'strong', soon())).rejects.toBeInstanceOf(UnavailableError);
    expect(one.remembered('k')).toBeUndefined();
    expect(await open().choose('k', 'eventual', soon())).toBe('eventual');
    arrive();
    expect(await one.choose('k', 'strong', soon())).toBe('eventual');
    expect(one.remembered('k')).toBe('eventual');
  });

  it('guess nothing when the store is away, and remember nothing of it', async () => {
    const { open, registers, fates } = createStore();
    fates.push('away');
    const records = open();
    await expect(records.choose('k', 'strong', soon())).rejects.toBeInstanceOf(UnavailableError);
    expect(records.remembered('k')).toBeUndefined();
    expect(registers.size).toBe(0);
    await expect(records.choose('k', 'strong', AbortSignal.abort())).rejects.toBeInstanceOf(UnavailableError);
    expect(registers.size).toBe(0);
  });

  it('remember the latest used, and ask for the others', async () => {
    const { open, reads } = createStore();
    const records = open({ mostRemembered: 2 });
    for (const key of ['a', 'b']) await records.choose(key, 'strong', soon());
    expect(records.remembered('a')).toBe('strong');
    await records.choose('c', 'eventual', soon());
    expect(['a', 'b', 'c'].map(records.remembered)).toEqual(['strong', undefined, 'eventual']);
    expect(reads()).toBe(0);
    expect(await records.find('b', soon())).toBe('strong');
    expect(await records.find('never', soon())).toBeUndefined();
    expect(records.remembered('never')).toBeUndefined();
  });

  it('refuse a level that a later program may know', async () => {
    const { open, registers } = createStore();
    registers.set('\u0000level/k', { key: '\u0000level/k', value: 'causal', version: 'v', writer: 'w', replica: 'r', time: 0 });
    await expect(open().find('k', soon())).rejects.toMatchObject({ code: 'STORE_FORMAT', message: expect.stringContaining('update') });
  });
});
