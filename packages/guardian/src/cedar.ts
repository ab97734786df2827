export type { CedarEngineOptions } from './cedar-engine.ts';
export type { PolicyMismatch, ShadowOptions } from './checked-engine.ts';
export { createCedarEngine } from './engine-on-node.ts';
