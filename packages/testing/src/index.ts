export { collect, take } from './collect.ts';
export { describeJournal, type OpenJournal } from './describe-journal.ts';
export { describeKeyValueStore, type OpenKeyValueStore } from './describe-key-value-store.ts';
export { type ManualClock, manualClock } from './manual-clock.ts';
