import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BoardState, createBoardState, type Delta } from '../../src/index.ts';
import { dotsOf, History, plain } from './oracle.ts';

const names = ['a', 'b', 'c'] as const;
const registers = ['r/one', '__proto__', ''];
const elements = ['x', 'y'];

type Step =
  | { readonly do: 'write'; readonly at: number; readonly key: string; readonly kind: 'set' | 'delete' | 'increment' | 'add' | 'remove'; readonly n: number }
  | { readonly do: 'deliver'; readonly delta: number; readonly to: number }
  | { readonly do: 'sync'; readonly from: number; readonly to: number; readonly maxBytes: number }
  | { readonly do: 'relay'; readonly from: number; readonly since: number; readonly to: number };

const replica = fc.nat(2);
const write = fc.oneof(
  fc.record({
    do: fc.constant('write' as const),
    at: replica,
    key: fc.constantFrom(...registers),
    kind: fc.constantFrom('set' as const, 'set' as const, 'delete' as const),
    n: fc.nat(9),
  }),
  fc.record({
    do: fc.constant('write' as const),
    at: replica,
    key: fc.constant('counter'),
    kind: fc.constant('increment' as const),
    n: fc.integer({ min: -5, max: 5 }),
  }),
  fc.record({
    do: fc.constant('write' as const),
    at: replica,
    key: fc.constant('set'),
    kind: fc.constantFrom('add' as const, 'add' as const, 'remove' as const),
    n: fc.nat(1),
  }),
);
const steps = fc.array<Step>(
  fc.oneof(
    { weight: 4, arbitrary: write },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('deliver' as const), delta: fc.nat(60), to: replica }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('sync' as const), from: replica, to: replica, maxBytes: fc.constantFrom(1, 60, 1e9) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('relay' as const), from: replica, since: replica, to: replica }) },
  ),
  { maxLength: 60, size: 'max' },
);

/** Three replicas whose clocks say what they like, and every delta that was ever made. */
function play(script: readonly Step[]) {
  const states = names.map((name) => createBoardState({ replica: name }));
  const history = new History();
  const seen = names.map(() => new Set<number>());
  const deltas: Delta[] = [];
  for (const step of script) {
    if (step.do === 'write') {
      const [state, past] = [states[step.at]!, seen[step.at]!];
      const stamp = { time: Math.abs(step.n * 7919 + step.at * 31) % 50, writer: `agent ${step.at}` };
      const element = elements[step.n % 2]!;
      const common = { key: step.key, replica: state.replica };
      if (step.kind === 'set') {
        deltas.push(state.set(step.key, { n: step.n }, stamp));
        history.write(past, { ...common, kind: 'value', value: { n: step.n } });
      } else if (step.kind === 'increment') {
        deltas.push(state.increment(step.key, step.n, stamp));
        history.write(past, { ...common, kind: 'count', by: step.n });
      } else if (step.kind === 'add') {
        deltas.push(state.add(step.key, element, stamp));
        history.write(past, { ...common, kind: 'added', element });
      } else {
        const delta = step.kind === 'delete' ? state.delete(step.key, stamp) : state.remove(step.key, element, stamp);
        if (delta !== undefined) {
          deltas.push(delta);
          history.write(past, step.kind === 'delete' ? { ...common, kind: 'deleted' } : { ...common, kind: 'removed', element });
        }
      }
    } else if (step.do === 'deliver') {
      // What a lone delta brings is part of the replica's history only when all before it came too: writes after it are compared at the end.
      const delta = deltas[step.delta % Math.max(1, deltas.length)];
      if (delta !== undefined) states[step.to]!.merge(delta);
    } else if (step.do === 'relay') {
      const { delta } = states[step.from]!.deltaSince(states[step.since]!.context.vector, { maxBytes: 80 });
      deltas.push(delta);
      states[step.to]!.merge(delta);
    } else sync(states[step.from]!, states[step.to]!, step.maxBytes);
  }
  return { states, history, deltas };
}

/** As an exchange does it: what is lacked by the vector, page by page. */
function sync(from: BoardState, to: BoardState, maxBytes = 100): void {
  for (let pages = 0; ; pages++) {
    const { delta, isLast } = from.deltaSince(to.context.vector, { maxBytes });
    to.merge(delta);
    if (isLast) return;
    if (pages > 10_000) throw new Error('the pages do not end');
  }
}

function settle(states: readonly BoardState[]): void {
  for (let round = 0; round < 2; round++) for (const from of states) for (const to of states) if (from !== to) sync(from, to);
}

function expectSame(states: readonly BoardState[]): void {
  const [first, ...rest] = states;
  for (const state of rest) {
    for (const key of [...registers, 'counter', 'set']) expect(dotsOf(state, key)).toEqual(dotsOf(first!, key));
    expect(state.digest()).toBe(first!.digest());
    expect([...state.context.vector].sort()).toEqual([...first!.context.vector].sort());
    expect([...state.list('')].map(({ key, value }) => [key, value])).toEqual([...first!.list('')].map(({ key, value }) => [key, value]));
    expect(state.size).toBe(first!.size);
  }
}

describe('replicas of a board', () => {
  it('are equal once all has flowed, whatever was lost, repeated, relayed or reordered before', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const { states } = play(script);
        settle(states);
        expectSame(states);
        for (const state of states) {
          expect(state.context.cloud.size).toBe(0);
          expect(state.size).toBe([...state.list('')].length);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('lose no write: each is held or was known to one that replaced it', () => {
    const wholeExchanges = steps.map((script) => script.filter((step) => step.do === 'write' || step.do === 'sync'));
    fc.assert(
      fc.property(wholeExchanges, (script) => {
        const states = names.map((name) => createBoardState({ replica: name }));
        const history = new History();
        const seen = names.map(() => new Set<number>());
        for (const step of script) {
          if (step.do === 'sync') {
            sync(states[step.from]!, states[step.to]!, step.maxBytes);
            for (const id of seen[step.from]!) seen[step.to]!.add(id);
          } else if (step.do === 'write') {
            const [state, past] = [states[step.at]!, seen[step.at]!];
            const stamp = { time: 100 - step.n, writer: 'w' };
            const element = elements[step.n % 2]!;
            const common = { key: step.key, replica: state.replica };
            if (step.kind === 'set') {
              state.set(step.key, step.n, stamp);
              history.write(past, { ...common, kind: 'value', value: step.n });
            } else if (step.kind === 'increment') {
              state.increment(step.key, step.n, stamp);
              history.write(past, { ...common, kind: 'count', by: step.n });
            } else if (step.kind === 'add') {
              state.add(step.key, element, stamp);
              history.write(past, { ...common, kind: 'added', element });
            } else if (step.kind === 'delete') {
              if (state.delete(step.key, stamp) !== undefined) history.write(past, { ...common, kind: 'deleted' });
            } else if (state.remove(step.key, element, stamp) !== undefined) history.write(past, { ...common, kind: 'removed', element });
          }
          for (const [at, state] of states.entries()) {
            for (const key of [...registers, 'counter', 'set']) expect(dotsOf(state, key)).toEqual(history.dots(key, seen[at]!));
            expect(state.read('counter')?.value ?? 0).toBe(history.sum('counter', seen[at]!));
            expect(state.read('set')?.value ?? []).toEqual(history.elements('set', seen[at]!));
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('merge in any order and any number of times to the same', () => {
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.nat()), (script, chance) => {
        const { deltas } = play(script);
        const merged = ['x', 'y'].map((name) => createBoardState({ replica: name }));
        for (const delta of deltas) merged[0]!.merge(delta);
        const shuffled = deltas.flatMap((delta) => [
          { delta, at: chance.next().value as number },
          { delta, at: chance.next().value as number },
        ]);
        for (const { delta } of shuffled.sort((one, other) => one.at - other.at)) merged[1]!.merge(delta);
        expect([...merged[1]!.list('')].map((reading) => plainReading(reading))).toEqual([...merged[0]!.list('')].map((reading) => plainReading(reading)));
        expect(merged[1]!.digest()).toBe(merged[0]!.digest());
        const before = plain(merged[0]!.deltaSince(new Map()).delta);
        for (const delta of deltas) expect(merged[0]!.merge(delta)).toEqual([]);
        expect(plain(merged[0]!.deltaSince(new Map()).delta)).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });

  it('never bring back what was deleted and collected', () => {
    fc.assert(
      fc.property(steps, fc.array(fc.nat(60)), (script, late) => {
        const { states, deltas } = play(script);
        settle(states);
        const before = states[0]!.digest();
        const stable = states[0]!.context.vector;
        states[0]!.collect(stable);
        states[1]!.collect(stable);
        for (const at of late) {
          const delta = deltas[at % Math.max(1, deltas.length)];
          if (delta !== undefined) for (const state of states) state.merge(delta);
        }
        settle(states);
        expectSame(states);
        expect(states[0]!.digest()).toBe(before);
        for (const key of registers) expect(states[0]!.versionsOf(key).filter(({ kind }) => kind === 'deleted')).toEqual([]);
        states[2]!.collect(stable);
        expect(states[2]!.versions).toBe(states[0]!.versions);
      }),
      { numRuns: 500 },
    );
  });

  it('page what changed while writes come in between', () => {
    fc.assert(
      fc.property(steps, fc.array(write, { minLength: 1, maxLength: 30 }), (script, between) => {
        const { states } = play(script.map((step) => ('at' in step ? { ...step, at: 0 } : step)));
        const from = states[0]!;
        const to = createBoardState({ replica: 'late' });
        for (const step of between) {
          to.merge(from.deltaSince(to.context.vector, { maxBytes: 1 }).delta);
          if (step.kind === 'set') from.set(step.key, step.n, { time: step.n, writer: 'w' });
          if (step.kind === 'delete') from.delete(step.key, { time: step.n, writer: 'w' });
        }
        sync(from, to, 1);
        expect(to.digest()).toBe(from.digest());
      }),
      { numRuns: 300 },
    );
  });
});

function plainReading({ key, value, version, conflicts }: { key: string; value: unknown; version: { replica: string; counter: number }; conflicts: number }) {
  return { key, value, conflicts, dot: `${version.replica}:${version.counter}` };
}
