export { collect, take } from './collect.ts';
export { describeCrowd } from './describe-crowd.ts';
export { describeInventory } from './describe-inventory.ts';
export { describeJournal, type OpenJournal } from './describe-journal.ts';
export { describeKeyValueStore, type OpenKeyValueStore } from './describe-key-value-store.ts';
export { describeRestarts } from './describe-restarts.ts';
export { type ManualClock, manualClock } from './manual-clock.ts';
export type { Restartable } from './restarts/restartable.ts';
export { type RestartOptions, type RestartReport, workThroughRestarts } from './restarts/work-through-restarts.ts';
