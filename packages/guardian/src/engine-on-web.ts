import * as cedar from '@cedar-policy/cedar-wasm/web';
import { type CedarEngineOptions, createEngine } from './cedar-engine.ts';
import type { PolicyEngine } from './policy-engine.ts';

export interface WebCedarEngineOptions extends CedarEngineOptions {
  /** `cedar_wasm_bg.wasm` of `@cedar-policy/cedar-wasm/web`, compiled: a Worker imports it, other places compile its bytes. The first one given stays. */
  readonly wasm: WebAssembly.Module;
}

/**
 * `createCedarEngine` of `@meshwork/guardian/cedar`, for runtimes that cannot read a file: Cedar's WebAssembly is handed over.
 *
 * @throws {PolicyError} that names the policy and what is wrong with it.
 */
export function createCedarEngine({ wasm, ...options }: WebCedarEngineOptions): PolicyEngine {
  cedar.initSync({ module: wasm });
  return createEngine(cedar, options);
}
