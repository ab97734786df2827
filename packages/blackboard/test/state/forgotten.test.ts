import { ConflictError } from '@meshwork/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BoardState, createBoardState, type Delta } from '../../src/index.ts';
import { renameState } from '../../src/replica/rename-state.ts';
import { dropForgotten } from '../../src/state/drop-forgotten.ts';
import { FORGOTTEN, recordKey } from '../../src/state/forgotten.ts';
import { writeRecord } from '../../src/state/forgotten-record.ts';
import { holdVersion } from '../../src/state/held-version.ts';
import { ReplicaLog } from '../../src/state/replica-log.ts';
import { Seen } from '../../src/state/seen.ts';
import { Slots } from '../../src/state/slots.ts';

const stamp = { time: 1, writer: 'w' };
const key = recordKey(1, 'one');
const recordOf = (replica: string, counter: number) => ({ at: 1, replicas: new Map([[replica, counter]]) });
const textOf = (replica: string, counter: number) => writeRecord(recordOf(replica, counter));
const vectorOf = (state: BoardState) => Object.fromEntries([...state.context.vector].sort());
const user = (state: BoardState) => [...state.list('')].filter((reading) => !reading.key.startsWith(FORGOTTEN));

/** As an exchange does it. */
function sync(from: BoardState, to: BoardState, maxBytes = 1e9): void {
  for (let cursor = to.context.vector; ; ) {
    const { delta, isLast } = from.deltaSince(cursor, { maxBytes });
    to.merge(delta);
    if (isLast) return;
    cursor = delta.covers.to;
  }
}

/** A replica that wrote `a` twice and is gone, two that have it, and one of them that has replaced what it wrote. */
function begin() {
  const [gone, one, two] = [createBoardState({ replica: 'gone' }), createBoardState({ replica: 'one' }), createBoardState({ replica: 'two' })];
  const first = gone.set('a', 1, stamp);
  const second = gone.set('a', 2, stamp);
  sync(gone, one);
  sync(one, two);
  one.set('a', 3, stamp);
  return { gone, one, two, first, second };
}

describe('a replica that is forgotten', () => {
  it('is in no vector, and what it wrote counts as seen', () => {
    const { one, two, first, second } = begin();
    expect(one.holdsOf('gone')).toBe(false);
    one.forget(recordOf('gone', 2), stamp);
    expect(vectorOf(one)).toEqual({ one: 2 });
    expect(one.forgotten.size).toBe(1);
    expect(one.forgotten.upTo('gone')).toBe(2);
    sync(one, two);
    expect(vectorOf(two)).toEqual({ one: 2 });
    for (const state of [one, two]) {
      for (const delta of [first, second]) expect(state.merge(delta)).toEqual([]);
      expect(vectorOf(state)).toEqual({ one: 2 });
      expect(user(state).map(({ value }) => value)).toEqual([3]);
      expect(state.versionsOf('a')).toHaveLength(1);
    }
  });

  it('takes with it what somebody still holds of it, and watchers are told', () => {
    const { one, first, second } = begin();
    one.delete('a', stamp);
    one.collect(one.context.vector);
    one.forget(recordOf('gone', 2), stamp);
    const late = createBoardState({ replica: 'late' });
    late.merge(first);
    late.merge(second);
    const changes = late.merge(one.deltaSince(late.context.vector).delta);
    expect(changes.map((change) => [change.key, change.before?.value, change.after?.value])).toContainEqual(['a', 2, undefined]);
    expect(late.versions).toBe(1);
    expect(late.digest()).toBe(one.digest());
    expect(vectorOf(late)).toEqual({ one: 3 });
  });

  it('is known again by what it writes later', () => {
    const { gone, one, two } = begin();
    one.forget(recordOf('gone', 2), stamp);
    const third = gone.set('b', 1, stamp);
    sync(one, gone);
    expect(user(gone).map(({ value }) => value)).toEqual([3, 1]);
    expect(vectorOf(gone)).toEqual({ gone: 3, one: 2 });
    gone.set('c', 1, stamp);
    sync(one, two);
    two.merge(third);
    sync(gone, one);
    sync(gone, two);
    for (const state of [one, two]) {
      expect(vectorOf(state)).toEqual({ gone: 4, one: 2 });
      expect(state.digest()).toBe(gone.digest());
    }
  });

  it('goes on writing after what is forgotten of it, when it wrote nothing else meanwhile', () => {
    const { gone, one } = begin();
    one.forget(recordOf('gone', 2), stamp);
    sync(one, gone);
    gone.set('b', 1, stamp);
    expect(gone.versionsOf('b')[0]).toMatchObject({ replica: 'gone', counter: 3 });
    sync(gone, one);
    expect(one.read('b')?.value).toBe(1);
  });

  it('is not written by a backup of it, which loses nothing that it wrote, under another name', () => {
    const { gone, one, first } = begin();
    for (let at = 0; at < 4; at++) gone.set('a', at, stamp);
    sync(gone, one);
    one.set('a', 3, stamp);
    one.forget(recordOf('gone', 6), stamp);
    const backup = createBoardState({ replica: 'gone' });
    backup.merge(first);
    // Under dots that were used before.
    backup.set('fresh', 1, stamp);
    backup.increment('count', 5, stamp);
    const changes = backup.merge(one.deltaSince(backup.context.vector).delta);
    expect(changes.map((change) => change.key).sort()).toEqual([key, 'a']);
    expect(() => backup.set('b', 1, stamp)).toThrow(ConflictError);
    const later = createBoardState({ replica: 'later' });
    renameState(backup, { into: later, keep: 1 });
    expect(vectorOf(later)).toEqual({ later: 2, one: 3 });
    expect(user(later).map((reading) => [reading.key, reading.value])).toEqual([
      ['a', 3],
      ['count', 5],
      ['fresh', 1],
    ]);
    sync(later, one);
    expect(one.digest()).toBe(later.digest());
  });

  it('takes with it a record that it wrote itself, which others say by now', () => {
    const { gone, one, two } = begin();
    const [early, late] = [recordKey(1, 'gone'), recordKey(2, 'one')];
    gone.forget(recordOf('other', 1), stamp);
    sync(gone, one);
    sync(gone, two);
    expect(two.forgotten.upTo('other')).toBe(1);
    one.forget(recordOf('other', 1), { ...stamp, time: 2 });
    one.delete(early, stamp);
    one.collect(new Map([['one', 9]]));
    one.forget(recordOf('gone', 3), stamp);
    sync(one, two);
    for (const state of [one, two]) {
      expect([...state.forgotten.keys()].sort()).toEqual([key, late].sort());
      expect(state.forgotten.upTo('other')).toBe(1);
      expect(vectorOf(state)).toEqual({ one: 4 });
    }
    expect(two.digest()).toBe(one.digest());
  });

  it('drops its own, once it has seen so much of itself', () => {
    const { gone, one, two } = begin();
    sync(gone, two);
    one.forget(recordOf('gone', 2), stamp);
    const other = createBoardState({ replica: 'gone' });
    other.set('b', 1, stamp);
    other.merge(one.deltaSince(other.context.vector).delta);
    expect(other.holdsOf('gone')).toBe(true);
    other.merge(two.deltaSince(other.context.vector).delta);
    expect(vectorOf(other)).toEqual({ gone: 2, one: 2 });
    expect(other.holdsOf('gone')).toBe(false);
  });

  it('leaves nothing behind in memory that is named for it', () => {
    const log = new ReplicaLog('gone');
    const logs = new Map([['gone', log]]);
    const seen = new Seen('one');
    seen.forgotten.put(key, [textOf('gone', 2)]);
    const slots = new Slots();
    const [held, later] = [2, 3].map((counter) => holdVersion(log.origin('value', 'w', 1), `k${counter}`, counter, 1, 1, undefined));
    for (const version of [held!, later!]) {
      log.append(version);
      slots.putOnly(version.key, undefined, version);
    }
    dropForgotten({ logs, slots, seen });
    expect([...slots.all()]).toEqual([later]);
    expect(logs.size).toBe(1);
    seen.forgotten.put(key, [textOf('gone', 3)]);
    dropForgotten({ logs, slots, seen });
    expect(slots.isEmpty).toBe(true);
    expect(logs.size).toBe(0);
  });

  it('satisfies what comes after its writes, also when that came before it was forgotten', () => {
    const { gone, one } = begin();
    one.forget(recordOf('gone', 2), stamp);
    const third = gone.set('b', 1, stamp);
    const late = createBoardState({ replica: 'late' });
    // From gone's second write on, of which it has nothing yet.
    late.merge(third);
    expect(vectorOf(late)).toEqual({});
    sync(one, late);
    expect(vectorOf(late)).toEqual({ gone: 3, one: 2 });
    expect(late.context.cloud.size).toBe(0);
  });

  it('is not kept in mind for single keys, when somebody tells of it who does not know', () => {
    const { one, two } = begin();
    two.set('b', 1, stamp);
    one.forget(recordOf('gone', 2), stamp);
    // Out of order, so that what it was written on top of has to be kept for the key alone.
    const [second] = [1, 2].map((value) => two.set('c', value, stamp)).slice(1);
    one.merge(second!);
    expect(one.deltaSince(new Map()).delta.entries.map((entry) => [...(entry.seen?.vector.keys() ?? [])])).toContainEqual(['two']);
    sync(two, one);
    expect(one.deltaSince(new Map()).delta.entries.every((entry) => entry.seen === undefined)).toBe(true);
  });

  it('is as before once the record is deleted', () => {
    const { one, first } = begin();
    one.forget(recordOf('gone', 2), stamp);
    one.delete(key, stamp);
    expect(one.forgotten.upTo('gone')).toBe(0);
    one.merge(first);
    expect(vectorOf(one)).toEqual({ gone: 1, one: 3 });
  });

  it('is not what an entry says that is no record', () => {
    const { one } = begin();
    const before = vectorOf(one);
    one.merge(createBoardState({ replica: 'odd' }).set(key, { gone: 2 }, stamp));
    one.merge(createBoardState({ replica: 'odder' }).add(recordKey(2, 'odder'), textOf('gone', 2), stamp));
    expect(vectorOf(one)).toEqual({ ...before, odd: 1, odder: 1 });
  });
});

describe('replicas that forget', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('write' as const), at: fc.nat(4), key: fc.constantFrom('x', 'y', 'z'), n: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('count' as const), at: fc.nat(4), key: fc.constant('n'), n: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), at: fc.nat(4), key: fc.constantFrom('x', 'y', 'z', 'n'), n: fc.nat(9) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('sync' as const), at: fc.nat(4), key: fc.constant(''), n: fc.nat(9) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('forget' as const), at: fc.nat(4), key: fc.constant(''), n: fc.nat(9) }) },
  );
  const scripts = fc.array(step, { maxLength: 80, size: 'max' });
  type Script = typeof scripts extends fc.Arbitrary<infer T> ? T : never;

  /** Anybody may forget anybody at any time, as long as it holds nothing of it. */
  function play(script: Script, { forgets }: { readonly forgets: boolean }) {
    const states = names.map((replica) => createBoardState({ replica }));
    const deltas: Delta[] = [];
    let forgotten = 0;
    for (const [time, { do: kind, at, key: target, n }] of script.entries()) {
      const state = states[at]!;
      const other = states[n % names.length]!;
      const given = { time, writer: 'w' };
      if (kind === 'write') deltas.push(state.set(target, time, given));
      else if (kind === 'count') deltas.push(state.increment(target, n, given));
      else if (kind === 'delete') {
        const delta = state.delete(target, given);
        if (delta !== undefined) deltas.push(delta);
      } else if (kind === 'sync') {
        if (other === state) continue;
        deltas.push(other.deltaSince(state.context.vector, { maxBytes: n < 3 ? 1 : 1e9 }).delta);
        sync(other, state, n < 3 ? 1 : 1e9);
      } else if (forgets && other !== state && !state.holdsOf(other.replica)) {
        const counter = state.context.vector.get(other.replica) ?? 0;
        if (counter === 0) continue;
        forgotten++;
        deltas.push(state.forget(recordOf(other.replica, counter), given));
        expect(state.context.vector.has(other.replica)).toBe(false);
      }
    }
    return { states, deltas, forgotten };
  }
  const settle = (states: readonly BoardState[]) => {
    for (let round = 0; round < 2; round++) for (const from of states) for (const to of states) if (from !== to) sync(from, to);
  };
  const shownBy = (state: BoardState) => user(state).map((reading) => [reading.key, reading.value, reading.conflicts, reading.version.time]);

  it('show at every moment what they would show if they did not', () => {
    let forgotten = 0;
    fc.assert(
      fc.property(scripts, (script) => {
        const [plain, forgetful] = [play(script, { forgets: false }), play(script, { forgets: true })];
        forgotten += forgetful.forgotten;
        for (const [at, state] of forgetful.states.entries()) expect(shownBy(state)).toEqual(shownBy(plain.states[at]!));
        for (const { states } of [plain, forgetful]) settle(states);
        for (const state of forgetful.states) {
          expect(shownBy(state)).toEqual(shownBy(plain.states[0]!));
          expect(state.digest()).toBe(forgetful.states[0]!.digest());
          expect(state.versions).toBe(forgetful.states[0]!.versions);
          expect(state.context.cloud.size).toBe(0);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(forgotten).toBeGreaterThan(50);
  });

  it('have vectors of those alone who have written since, and agree about them', () => {
    fc.assert(
      fc.property(scripts, (script) => {
        const { states } = play(script, { forgets: true });
        settle(states);
        for (const { replica, context, forgotten } of states) {
          for (const [id, counter] of context.vector) expect(id === replica || counter > forgotten.upTo(id)).toBe(true);
          const others = (state: BoardState) => [...state.context.vector].filter(([id, counter]) => counter > state.forgotten.upTo(id)).sort();
          expect([...context.vector].filter(([id, counter]) => counter > forgotten.upTo(id)).sort()).toEqual(others(states[0]!));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('merge in any order and any number of times to the same', () => {
    fc.assert(
      fc.property(scripts, fc.infiniteStream(fc.nat()), (script, chance) => {
        const { deltas } = play(script, { forgets: true });
        const [one, other] = [createBoardState({ replica: 'v' }), createBoardState({ replica: 'w' })];
        for (const delta of deltas) one.merge(delta);
        const shuffled = [...deltas, ...deltas].map((delta) => ({ delta, at: chance.next().value as number })).sort((first, second) => first.at - second.at);
        for (const { delta } of shuffled) other.merge(delta);
        expect(shownBy(other)).toEqual(shownBy(one));
        expect(other.digest()).toBe(one.digest());
        expect(vectorOf(other)).toEqual(vectorOf(one));
        for (const delta of deltas) expect(one.merge(delta)).toEqual([]);
        // In one piece as well.
        const third = createBoardState({ replica: 'x' });
        third.merge(one.deltaSince(new Map()).delta);
        expect(third.digest()).toBe(one.digest());
        expect(vectorOf(third)).toEqual(vectorOf(one));
      }),
      { numRuns: 1_000 },
    );
  });
});
