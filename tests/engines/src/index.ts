export { describeWithEngine, describeWithOwnEngine } from './describe-with-engine.ts';
export { type Engine, type EngineName, type EngineOptions, engineNames, hasEngine, startEngine } from './engine.ts';
export { freePort } from './free-port.ts';
export { startNatsCluster } from './nats-cluster.ts';
export { sharedEngine, urlVariable } from './shared-engine.ts';
