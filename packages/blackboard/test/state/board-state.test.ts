import { ConflictError, InvalidInputError } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { createBoardState, type Delta } from '../../src/index.ts';

const at = (time: number, writer = 'someone') => ({ time, writer });

function three() {
  return [createBoardState({ replica: 'a' }), createBoardState({ replica: 'b' }), createBoardState({ replica: 'c' })] as const;
}

describe('a key', () => {
  it('is read with who wrote it, when and where', () => {
    const [a] = three();
    a.set('task', { status: 'open' }, at(7, 'planner'));
    expect(a.read('task')).toMatchObject({ key: 'task', value: { status: 'open' }, conflicts: 0 });
    const [version] = a.versionsOf('task');
    expect([version?.replica, version?.counter, version?.time, version?.kind, version?.writer]).toEqual(['a', 1, 7, 'value', 'planner']);
    expect(a.read('other')).toBeUndefined();
  });

  it('keeps both of two concurrent values, reads the same one everywhere, and takes one that settles it', () => {
    const [a, b, c] = three();
    const one = a.set('k', 'from a', at(100));
    const two = b.set('k', 'from b', at(5));
    for (const delta of [one, two]) c.merge(delta);
    a.merge(two);
    b.merge(one);
    for (const state of [a, b, c]) {
      expect(state.read('k')).toMatchObject({ value: 'from a', conflicts: 1 });
      expect(state.versionsOf('k').map(({ value }) => value)).toEqual(['from a', 'from b']);
    }
    const settled = c.set('k', 'settled', at(1));
    for (const state of [a, b])
      expect(state.merge(settled)).toMatchObject([{ key: 'k', before: { value: 'from a' }, after: { value: 'settled', conflicts: 0 } }]);
    expect(a.digest()).toBe(b.digest());
  });

  it('keeps a value that was written while another replica deleted', () => {
    const [a, b] = three();
    b.merge(a.set('k', 1, at(1)));
    const deleted = a.delete('k', at(1_000)) as Delta;
    const written = b.set('k', 2, at(2));
    a.merge(written);
    b.merge(deleted);
    for (const state of [a, b]) expect(state.read('k')).toMatchObject({ value: 2, conflicts: 1 });
    expect(a.delete('nothing', at(1))).toBeUndefined();
  });

  it('goes wholly, deletion and all, once everybody has seen the deletion', () => {
    const [a] = three();
    for (let n = 0; n < 1_000; n++) a.set(`k${n}`, n, at(n));
    for (let n = 0; n < 1_000; n++) a.delete(`k${n}`, at(n));
    expect([a.size, a.versions]).toEqual([0, 1_000]);
    expect(a.collect(new Map([['a', 1_500]]))).toBe(500);
    expect(a.collect(new Map([['a', 2_000]]))).toBe(500);
    expect([a.size, a.versions, a.deltaSince(new Map()).delta.entries.length]).toEqual([0, 0, 0]);
  });

  it('is not resurrected by an old value that arrives after a newer one overtook it', () => {
    const [a, b, c] = three();
    const first = a.set('k', 'first', at(9));
    b.merge(first);
    const second = b.set('k', 'second', at(1));
    c.merge(second);
    c.merge(first);
    expect(c.versionsOf('k').map(({ value }) => value)).toEqual(['second']);
    const late = createBoardState({ replica: 'late' });
    late.merge(first);
    late.merge(c.deltaSince(late.context.vector).delta);
    expect(late.versionsOf('k').map(({ value }) => value)).toEqual(['second']);
  });

  it.each(['__proto__', 'constructor', '', 'a\0b', 'ä/🙂'])('may be %j', (key) => {
    const [a, b] = three();
    b.merge(a.set(key, JSON.parse('{"__proto__": {"polluted": true}}'), at(1)));
    expect(JSON.stringify(b.read(key)?.value)).toBe('{"__proto__":{"polluted":true}}');
    expect([...b.list('')].map((reading) => reading.key)).toEqual([key]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('carries when it expires, which changes nothing else', () => {
    const [a, b, c] = three();
    const delta = a.set('k', 'short-lived', { time: 1, writer: 'w', expiresAt: 1_700_000_000_000 });
    b.merge(delta);
    c.merge(b.deltaSince(new Map()).delta);
    for (const state of [a, b, c]) {
      expect(state.read('k')).toMatchObject({ value: 'short-lived', version: { expiresAt: 1_700_000_000_000 } });
      expect(state.versionsOf('k').map(({ expiresAt }) => expiresAt)).toEqual([1_700_000_000_000]);
    }
    b.set('k', 'for ever', at(0));
    expect(b.read('k')?.version.expiresAt).toBeUndefined();
    c.merge(a.set('k', 'expires, later', { time: 5, writer: 'w', expiresAt: 1 }));
    c.merge(b.deltaSince(new Map()).delta);
    expect(c.versionsOf('k').map(({ value }) => value)).toEqual(['expires, later', 'for ever']);
  });

  it.each([{ time: 0.5 }, { time: -1 }, { time: Number.NaN }, { expiresAt: -1 }, { expiresAt: 2 ** 53 }, { writer: '\ud800' }])(
    'is not written with %j',
    (wrong) => {
      const [a] = three();
      expect(() => a.set('k', 1, { ...at(1), ...wrong })).toThrow(InvalidInputError);
      expect(() => a.delete('k', { ...at(1), ...wrong })).not.toThrow();
      expect(a.context.vector.size).toBe(0);
    },
  );

  it('is refused with half a surrogate pair, or too long', () => {
    const [a] = three();
    expect(() => a.set('\ud800', 1, at(1))).toThrow(InvalidInputError);
    expect(() => a.set('k'.repeat(1_025), 1, at(1))).toThrow(InvalidInputError);
    expect(a.context.vector.size).toBe(0);
  });
});

describe('a value', () => {
  it('is a frozen copy', () => {
    const [a] = three();
    const value = { list: [{ n: 1 }] };
    a.set('k', value, at(1));
    value.list[0] = { n: 2 };
    expect(a.read('k')?.value).toEqual({ list: [{ n: 1 }] });
    const kept = a.read('k')?.value as { list: { n: number }[] };
    expect(() => kept.list.push({ n: 3 })).toThrow(TypeError);
  });

  const endless: unknown[] = [];
  endless.push(endless);
  it.each([[Number.NaN], [Number.POSITIVE_INFINITY], ['\udfff'], [{ '\ud800': 1 }], [new Date()], [endless], [undefined], [1n], ['x'.repeat(2 ** 20)]])(
    'is refused when it is not JSON or too large: %s',
    (value) => {
      const [a] = three();
      expect(() => a.set('k', value as never, at(1))).toThrow(InvalidInputError);
      expect(() => a.set('k', [value] as never, at(1))).toThrow(InvalidInputError);
      expect([a.size, a.context.vector.size]).toEqual([0, 0]);
    },
  );
});

describe('a counter', () => {
  it('adds up what all replicas counted', () => {
    const [a, b] = three();
    const one = a.increment('n', 5, at(1));
    b.increment('n', -2, at(2));
    b.merge(one);
    expect(b.read('n')).toMatchObject({ value: 3, conflicts: 0 });
    b.merge(one);
    expect(b.increment('n', 10, at(3)).entries[0]?.versions).toHaveLength(2);
    expect(b.read('n')?.value).toBe(13);
  });

  it('refuses what it cannot count', () => {
    const [a] = three();
    a.increment('n', Number.MAX_SAFE_INTEGER, at(1));
    for (const by of [1, 0.5, Number.NaN]) expect(() => a.increment('n', by, at(1))).toThrow(InvalidInputError);
    expect(() => a.set('n', 1, at(1))).toThrow('is a counter');
    a.delete('n', at(2));
    a.increment('n', 1, at(3));
    expect(a.read('n')?.value).toBe(1);
  });
});

describe('a set', () => {
  it('keeps an element that was added while another replica removed it, and sends one element at a time', () => {
    const [a, b] = three();
    for (let n = 0; n < 100; n++) b.merge(a.add('s', { n }, at(n)));
    const removed = a.remove('s', { n: 7 }, at(1_000)) as Delta;
    const again = b.add('s', { n: 7 }, at(1));
    expect(again.entries.map(({ versions }) => versions.length)).toEqual([1]);
    a.merge(again);
    b.merge(removed);
    expect(a.read('s')?.value).toHaveLength(100);
    expect(a.digest()).toBe(b.digest());
    expect(a.remove('s', 'nothing', at(1))).toBeUndefined();
  });

  it('is deleted as a whole, and may be another kind then', () => {
    const [a, b] = three();
    b.merge(a.add('s', 1, at(1)));
    b.merge(a.add('s', 2, at(2)));
    expect(() => a.increment('s', 1, at(3))).toThrow('is a set');
    b.merge(a.delete('s', at(3)) as Delta);
    expect([b.size, b.read('s')?.value]).toEqual([0, undefined]);
    b.merge(a.set('s', 'text', at(4)));
    expect(b.read('s')?.value).toBe('text');
  });

  it('made beside a value of the same key is a conflict until somebody writes', () => {
    const [a, b] = three();
    const value = a.set('k', 'value', at(2));
    const added = b.add('k', 'element', at(1));
    a.merge(added);
    b.merge(value);
    for (const state of [a, b]) expect(state.read('k')).toMatchObject({ value: 'value', conflicts: 1 });
    b.merge(a.set('k', 'settled', at(3)));
    expect(b.read('k')).toMatchObject({ value: 'settled' });
    expect(b.versionsOf('k').filter(({ kind }) => kind === 'added')).toEqual([]);
  });
});

describe('listing', () => {
  it('goes in the order of keys, from where it stopped, while keys come and go', () => {
    const [a] = three();
    for (const key of ['b/2', 'a/1', 'b/10', 'c', 'b/']) a.set(key, key, at(1));
    const keys = (prefix: string, options?: { after?: string; limit?: number }) => [...a.list(prefix, options)].map(({ key }) => key);
    expect(keys('')).toEqual(['a/1', 'b/', 'b/10', 'b/2', 'c']);
    expect(keys('b/', { limit: 2 })).toEqual(['b/', 'b/10']);
    expect(keys('b/', { after: 'b/10' })).toEqual(['b/2']);
    expect(keys('b/', { after: 'a' })).toEqual(['b/', 'b/10', 'b/2']);
    a.delete('b/10', at(2));
    a.set('b/3', 1, at(2));
    expect(keys('b/')).toEqual(['b/', 'b/2', 'b/3']);
    a.set('b/10', 1, at(3));
    expect(keys('b/')).toEqual(['b/', 'b/10', 'b/2', 'b/3']);
    expect(keys('', { limit: 0 })).toEqual([]);
  });
});

describe('a delta', () => {
  it('holds what changed and nothing else', () => {
    const [a, b] = three();
    for (let n = 0; n < 1_000; n++) a.set(`k${n}`, n, at(n));
    b.merge(a.deltaSince(b.context.vector).delta);
    for (let n = 0; n < 10; n++) a.set(`k${n}`, -n, at(n));
    const { delta } = a.deltaSince(b.context.vector);
    expect(delta.entries.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, n) => `k${n}`));
    expect(b.merge(delta)).toHaveLength(10);
    expect(a.deltaSince(b.context.vector).delta.entries).toEqual([]);
  });

  it.each<[string, (delta: Delta) => Delta]>([
    ['no versions', (delta) => ({ ...delta, entries: [...delta.entries, { key: 'x', versions: [] }] })],
    ['versions of another key', (delta) => ({ ...delta, entries: delta.entries.map(({ versions }) => ({ key: 'x', versions })) })],
    ['one key twice', (delta) => ({ ...delta, entries: [...delta.entries, ...delta.entries] })],
    ['one version twice', (delta) => ({ ...delta, entries: delta.entries.map(({ key, versions }) => ({ key, versions: [...versions, ...versions] })) })],
    ['versions that its context lacks', (delta) => ({ ...delta, context: { vector: new Map(), cloud: new Map() } })],
  ])('with %s is refused and changes nothing', (_, spoil) => {
    const [a, b] = three();
    a.set('one', 1, at(1));
    a.set('two', 2, at(2));
    const { entries, context, covers } = a.deltaSince(new Map()).delta;
    expect(() => b.merge(spoil({ entries, context, covers }))).toThrow(InvalidInputError);
    expect([b.size, b.context.vector.size]).toEqual([0, 0]);
  });
});

describe('a replica that starts again', () => {
  it('goes on counting where its kept state ends', () => {
    const [a, b] = three();
    a.set('k', 1, at(1));
    const again = createBoardState({ replica: 'a' });
    again.merge(a.deltaSince(new Map()).delta);
    again.set('after', 2, at(2));
    b.merge(again.deltaSince(new Map()).delta);
    expect(b.read('after')?.version.counter).toBe(2);
  });

  it('does not write under a name of which others know more', () => {
    const [a, b] = three();
    b.merge(a.set('k', 1, at(1)));
    b.merge(a.set('k', 2, at(2)));
    const forgetful = createBoardState({ replica: 'a' });
    forgetful.merge(b.set('other', 1, at(1)));
    expect(() => forgetful.set('k', 3, at(3))).toThrow(ConflictError);
    expect(forgetful.read('k')).toBeUndefined();
  });
});
