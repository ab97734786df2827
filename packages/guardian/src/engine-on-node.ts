import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { type CedarEngineOptions, createEngine } from './cedar-engine.ts';
import type { PolicyEngine } from './policy-engine.ts';

/**
 * A policy engine on Cedar (https://www.cedarpolicy.com). Deny by default; a forbid beats every permit; a policy that fails while it is
 * evaluated denies.
 *
 * Cedar itself parses and validates the policies. They are then compiled to closures, which decide in microseconds; a sample of the
 * decisions is also made by cedar-wasm, and if the two ever differ, that decision is refused and cedar-wasm decides from then on.
 *
 * @throws {PolicyError} that names the policy and what is wrong with it.
 */
export function createCedarEngine(options: CedarEngineOptions): PolicyEngine {
  return createEngine(cedar, options);
}
