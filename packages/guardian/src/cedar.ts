export { type CedarEngineOptions, createCedarEngine } from './cedar-engine.ts';
