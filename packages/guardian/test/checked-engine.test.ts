import { type Facts, type PolicyDecision, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine, type PolicyMismatch } from '@meshwork/guardian/cedar';
import { describe, expect, it } from 'vitest';
import { createCheckedEngine } from '../src/checked-engine.ts';

const allow: PolicyDecision = { effect: 'allow', policies: ['p'], reason: 'allowed by p' };
const deny: PolicyDecision = { effect: 'deny', policies: ['default-deny'], reason: 'no policy allows this' };
const refusal = { effect: 'deny', policies: ['policy-error', 'evaluators-disagree'] };

/** A request for a permission, which is never remembered; each is another. */
const ask = (requestsLastMinute: number): Facts => ({
  principal: { kind: 'agent', id: 'a', roles: [], allowed: [] },
  zone: 'local',
  trust: 90,
  question: { action: 'request', resource: { name: 'SAP_API', everyday: true, remote: false }, scope: 's', time: 0, requestsLastMinute },
});
const read: Facts = { ...ask(0), question: { action: 'read', uri: 'notes://x' } };

/** An engine whose compiled evaluator allows everything from the given decision on, where cedar-wasm denies everything. */
function faultyFrom(decision: number, every: number, onMismatch?: (event: PolicyMismatch) => void) {
  const asked = { compiled: 0, wasm: 0 };
  const engine = createCheckedEngine({
    compiled: () => (++asked.compiled >= decision ? allow : deny),
    wasm: () => {
      asked.wasm += 1;
      return deny;
    },
    memoSize: 100,
    shadow: { every, ...(onMismatch && { onMismatch }) },
  });
  return { engine, asked };
}

describe('an evaluator that is wrong', () => {
  it('is found at its first decision: that is refused, the alarm has the facts and both decisions, and cedar-wasm decides from then on', () => {
    const alarms: PolicyMismatch[] = [];
    const { engine, asked } = faultyFrom(1, 1_000, (event) => alarms.push(event));
    expect(engine.decide(ask(1))).toMatchObject(refusal);
    expect(alarms).toEqual([{ facts: ask(1), compiled: allow, wasm: deny }]);
    expect(engine.decide(ask(2))).toEqual(deny);
    expect(engine.decide(ask(3))).toEqual(deny);
    expect(asked).toEqual({ compiled: 1, wasm: 3 });
    expect(alarms).toHaveLength(1);
  });

  it('is found later by the sample', () => {
    const alarms: PolicyMismatch[] = [];
    const { engine, asked } = faultyFrom(15, 20, (event) => alarms.push(event));
    const decisions = Array.from({ length: 30 }, (_, index) => engine.decide(ask(index)));
    expect(decisions.slice(0, 14)).toEqual(Array(14).fill(deny));
    expect(decisions.slice(14, 19)).toEqual(Array(5).fill(allow));
    expect(decisions[19]).toMatchObject(refusal);
    expect(decisions.slice(20)).toEqual(Array(10).fill(deny));
    expect(asked).toEqual({ compiled: 20, wasm: 10 + 1 + 10 });
    expect(alarms).toHaveLength(1);
  });

  it('leaves nothing behind in the memo, neither what it said before nor the refusal', () => {
    const { engine } = faultyFrom(11, 12);
    for (let index = 0; index < 10; index++) engine.decide(ask(index));
    expect(engine.decide(read)).toEqual(allow);
    expect(engine.decide(read)).toEqual(allow);
    const other = { ...read, trust: 1 };
    expect(engine.decide(other)).toMatchObject(refusal);
    expect(engine.decide(other)).toEqual(deny);
    expect(engine.decide(read)).toEqual(deny);
  });

  it('is found when it allows the same by another policy', () => {
    const engine = createCheckedEngine({ compiled: () => allow, wasm: () => ({ ...allow, policies: ['q'] }), memoSize: 1, shadow: {} });
    expect(engine.decide(ask(1))).toMatchObject(refusal);
    expect(engine.decide(ask(1))).toMatchObject({ effect: 'allow', policies: ['q'] });
  });

  it('is refused also when the alarm itself fails', () => {
    const { engine } = faultyFrom(1, 1, () => {
      throw new Error('the alarm is broken');
    });
    expect(engine.decide(ask(1))).toMatchObject(refusal);
    expect(engine.decide(ask(1))).toEqual(deny);
  });
});

describe('checking a sample', () => {
  it('asks cedar-wasm for the first ten and one in `every` after them, and never for what is remembered', () => {
    const { engine, asked } = faultyFrom(Number.POSITIVE_INFINITY, 100);
    for (let index = 0; index < 1_000; index++) engine.decide(ask(index));
    expect(asked).toEqual({ compiled: 1_000, wasm: 10 + 10 });
    for (let again = 0; again < 1_000; again++) engine.decide(read);
    expect(asked).toEqual({ compiled: 1_001, wasm: 20 });
  });

  it('asks cedar-wasm for everything when nothing is compiled', () => {
    const engine = createCheckedEngine({ compiled: undefined, wasm: () => deny, memoSize: 1, shadow: {} });
    expect(engine.decide(ask(1))).toEqual(deny);
  });

  it('raises no alarm over the standard policies', () => {
    const alarms: PolicyMismatch[] = [];
    const engine = createCedarEngine({ policies: standardPolicies, schema: standardSchema, shadow: { every: 1, onMismatch: (event) => alarms.push(event) } });
    for (let index = 0; index < 1_100; index += 50) expect(engine.decide(ask(index)).effect).toBe(index > 1_000 ? 'deny' : 'allow');
    expect(alarms).toEqual([]);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %s as how often', (every) => {
    expect(() => createCedarEngine({ policies: standardPolicies, schema: standardSchema, shadow: { every } })).toThrow(TypeError);
  });
});
