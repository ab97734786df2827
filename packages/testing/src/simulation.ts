export type { CountedEvent } from './simulation/chronicle.ts';
export { createSimulation, type Simulation, type SimulationOptions } from './simulation/create-simulation.ts';
export type { FaultKind, Nemesis, NemesisOptions } from './simulation/nemesis.ts';
export { createRandom, type Random } from './simulation/random.ts';
export { type RunSeedsOptions, runSeeds } from './simulation/run-seeds.ts';
export type { SimulatedClock } from './simulation/simulated-clock.ts';
export type { DiskConditions, DiskImage, SimulatedDisk } from './simulation/simulated-disk.ts';
export type { MessageHandler, NetworkConditions, NetworkEnd, SimulatedLink, SimulatedNetwork } from './simulation/simulated-network.ts';
export type { Machine, SimulatedNode } from './simulation/simulated-node.ts';
