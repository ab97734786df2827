import type { Facts, PolicyDecision, PolicyEngine } from './policy-engine.ts';

/** How cedar-wasm watches over our own evaluator. */
export interface ShadowOptions {
  /** One in this many decisions is also made by cedar-wasm; those that are remembered do not count. Default 1,000. The first ten always are. */
  readonly every?: number;
  /** The alarm: told when the two differ. That decision was refused, and cedar-wasm decides from then on. */
  readonly onMismatch?: (event: PolicyMismatch) => void;
}

/** Two evaluators of the same policies that do not agree. */
export interface PolicyMismatch {
  readonly facts: Facts;
  readonly compiled: PolicyDecision;
  readonly wasm: PolicyDecision;
}

export interface CheckedEngineOptions {
  /** The fast way to decide; undefined when there is none for these policies. */
  readonly compiled: ((facts: Facts) => PolicyDecision) | undefined;
  /** The way that counts when the two differ. */
  readonly wasm: (facts: Facts) => PolicyDecision;
  readonly memoSize: number;
  readonly shadow: ShadowOptions;
}

/** Longer questions are decided anew each time: their length is up to the caller, and the memo must stay small. */
const LONGEST_KEY = 1_024;
const ALWAYS_CHECKED = 10;

const disagreed: PolicyDecision = {
  effect: 'deny',
  policies: ['policy-error', 'evaluators-disagree'],
  reason: 'two evaluators of the policies disagree; the hub refuses what it cannot decide',
};

/** Decides fast, remembers, and has a sample of its decisions checked. */
export function createCheckedEngine({ compiled, wasm, memoSize, shadow: { every = 1_000, onMismatch } }: CheckedEngineOptions): PolicyEngine {
  if (!Number.isSafeInteger(every) || every < 1) throw new TypeError(`shadow.every is ${every}; it must be a whole number from 1`);
  const memo = new Map<string, PolicyDecision>();
  let trusted = compiled;
  let made = 0;

  const decide = (facts: Facts): PolicyDecision => {
    if (trusted === undefined) return wasm(facts);
    const decision = trusted(facts);
    made += 1;
    if (made > ALWAYS_CHECKED && made % every !== 0) return decision;
    const reference = wasm(facts);
    if (isSame(decision, reference)) return decision;
    trusted = undefined;
    // What it said before may be wrong too.
    memo.clear();
    try {
      onMismatch?.({ facts, compiled: decision, wasm: reference });
    } catch {
      // An alarm that fails changes nothing about the refusal.
    }
    return disagreed;
  };

  return {
    decide(facts) {
      // Boards have more keys than the memo has room for, and would drive out what is asked again.
      if (facts.question.action !== 'call' && facts.question.action !== 'read') return decide(facts);
      const key = JSON.stringify(facts);
      if (key.length > LONGEST_KEY) return decide(facts);
      const known = memo.get(key);
      if (known !== undefined) return known;
      const decision = decide(facts);
      if (decision === disagreed) return decision;
      if (memo.size >= memoSize) memo.clear();
      memo.set(key, decision);
      return decision;
    },
  };
}

/** Both name policies in the order of the text. */
function isSame(left: PolicyDecision, right: PolicyDecision): boolean {
  return left.effect === right.effect && left.reason === right.reason && JSON.stringify(left.policies) === JSON.stringify(right.policies);
}
