import fc from 'fast-check';
import { type BoardState, createBoardState, type Delta } from '../../src/index.ts';

const name = fc.oneof(fc.constantFrom('a', 'b', 'hub/eu-1', '__proto__'), fc.string({ unit: 'grapheme', maxLength: 12 }));
const key = fc.oneof(fc.constantFrom('task/000001', 'task/000002', 'task/1', '', '__proto__'), fc.string({ unit: 'grapheme', maxLength: 40 }));
const stamp = fc.record({ time: fc.maxSafeNat(), writer: name, expiresAt: fc.maxSafeNat() }, { requiredKeys: ['time', 'writer'] });
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.record({ task: fc.string(), status: fc.constantFrom('open', 'done'), n: fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true })) }),
);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('set' as const), at: fc.nat(2), key, value, stamp }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), at: fc.nat(2), key, stamp }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('increment' as const), at: fc.nat(2), by: fc.maxSafeInteger(), stamp }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('add' as const, 'remove' as const), at: fc.nat(2), value: fc.constantFrom(1, 'x', { a: [1] }), stamp }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('merge' as const), at: fc.nat(2), delta: fc.nat(100) }) },
);

/** What three replicas write and tell each other, some of it never: their states, and every delta they made. */
export const played = fc.tuple(fc.uniqueArray(name, { minLength: 3, maxLength: 3 }), fc.array(step, { maxLength: 40, size: 'max' })).map(([names, steps]) => {
  const states = names.map((replica) => createBoardState({ replica }));
  const deltas: Delta[] = [];
  for (const step of steps) {
    const state = states[step.at]!;
    try {
      if (step.do === 'set') deltas.push(state.set(`r${step.key}`, step.value as never, step.stamp));
      else if (step.do === 'increment') deltas.push(state.increment('counter', step.by, step.stamp));
      else if (step.do === 'merge') {
        const delta = deltas[step.delta % Math.max(1, deltas.length)];
        if (delta !== undefined) state.merge(delta);
      } else {
        const delta = step.do === 'delete' ? state.delete(`r${step.key}`, step.stamp) : state[step.do]('set', step.value, step.stamp);
        if (delta !== undefined) deltas.push(delta);
      }
    } catch {
      // A counter that would overflow, or a name in use: not what is looked at here.
    }
  }
  for (const state of states) deltas.push(state.deltaSince(new Map()).delta, state.deltaSince(states[0]!.context.vector, { maxBytes: 100 }).delta);
  return { states: states as readonly BoardState[], deltas };
});
