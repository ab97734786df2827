import { toCedarRequest } from './cedar-request.ts';
import type { CedarWasm } from './cedar-wasm.ts';
import { createCheckedEngine, type ShadowOptions } from './checked-engine.ts';
import { compileLoaded } from './compile-loaded.ts';
import { loadPolicies } from './load-policies.ts';
import type { PolicyEngine } from './policy-engine.ts';
import { toDecision } from './to-decision.ts';
import { createWasmEvaluator } from './wasm-evaluator.ts';

export interface CedarEngineOptions {
  /** Cedar policies, each with an `@id`. A `@reason` is shown to whoever it refuses. */
  readonly policies: string;
  /** The Cedar schema they are checked against. */
  readonly schema: string;
  /** Decisions remembered. Those on time or rate, and on keys of boards, never are. Default 10,000. */
  readonly memoSize?: number;
  /** How a sample of decisions is checked while the hub runs. */
  readonly shadow?: ShadowOptions;
}

/** The engine, on whichever build of cedar-wasm runs here. @throws {PolicyError} */
export function createEngine(cedar: CedarWasm, { policies, schema, memoSize = 10_000, shadow = {} }: CedarEngineOptions): PolicyEngine {
  const loaded = loadPolicies(cedar, policies, schema);
  const wasm = createWasmEvaluator(cedar, loaded, schema);
  const compiled = compileLoaded(cedar, loaded, schema);
  return createCheckedEngine({
    compiled: compiled && ((facts) => toDecision(() => compiled(toCedarRequest(facts)), loaded.reasons)),
    wasm: (facts) => toDecision(() => wasm(toCedarRequest(facts)), loaded.reasons),
    memoSize,
    shadow,
  });
}
