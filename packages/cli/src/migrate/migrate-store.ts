import { ConflictError, type Store } from '@meshwork/core';
import { isEmpty } from '../store/encryption.ts';
import { isOurMark, MIGRATION_MARK, type MigrationState, migrationOf } from '../store/migration-mark.ts';
import { copyKeys } from './copy-keys.ts';
import { copyStream } from './copy-stream.ts';
import { type Inventory, verifyCopy } from './verify-copy.ts';

export interface MigrateOptions {
  readonly from: Store;
  readonly to: Store;
  /** What the migration is known by, when it is resumed: the source's URL, without secrets. */
  readonly name: string;
  /** Told now and then how far it is. */
  readonly onProgress?: (progress: MigrationProgress) => void;
}

/** What has been looked at so far, in this run. */
export interface MigrationProgress {
  readonly phase: 'keys' | 'streams' | 'verify';
  readonly keys: number;
  readonly streams: number;
  readonly records: number;
}

export interface Migration extends Inventory {
  /** True when an earlier run had begun it. */
  readonly isResumed: boolean;
  /** True when an earlier run had finished it: nothing was looked at again. */
  readonly wasDone: boolean;
}

/**
 * Copies everything one store holds into another, which is empty or has a part of the same migration: keys with what is left of their life, streams
 * with their offsets, also where their beginning was trimmed. Then it reads both and compares. It may be ended anywhere and run again: what is there is
 * left, what is missing or different is copied, what is too much is deleted. Revisions are the target's own; records keep their times.
 *
 * @throws {ConflictError} when the target holds something else, or the two differ in the end.
 */
export async function migrateStore({ from, to, name, onProgress = () => {} }: MigrateOptions): Promise<Migration> {
  const begun = await begin(to, name);
  if (begun.state.isDone && begun.state.result !== undefined) return { ...begun.state.result, isResumed: true, wasDone: true };
  const seen = { keys: 0, streams: 0, records: 0 };
  const tell = (phase: MigrationProgress['phase'], more: Partial<typeof seen>) => {
    seen.keys += more.keys ?? 0;
    seen.streams += more.streams ?? 0;
    seen.records += more.records ?? 0;
    onProgress({ phase, ...seen });
  };
  await copyKeys({ from, to, onKeys: (keys) => tell('keys', { keys }) });
  for await (const stream of from.streams()) {
    await copyStream({ from, to, stream, onRecords: (records) => tell('streams', { records }) });
    tell('streams', { streams: 1 });
  }
  const result = await verifyCopy({ from, to, onStep: () => tell('verify', {}) });
  await to.put(MIGRATION_MARK, { ...begun.state, isDone: true, result: { ...result } });
  return { ...result, isResumed: begun.isResumed, wasDone: false };
}

async function begin(to: Store, name: string): Promise<{ readonly state: MigrationState; readonly isResumed: boolean }> {
  const state = await migrationOf(to);
  if (state?.from === name) return { state, isResumed: true };
  if (state !== undefined && !state.isDone)
    throw new ConflictError(`the target holds a part of another migration, from ${state.from}; finish that one, or choose an empty target`);
  if (state !== undefined || !(await isEmpty(to, isOurMark))) throw new ConflictError('the target is not empty; choose one that is');
  const fresh: MigrationState = { version: 1, from: name, isDone: false };
  await to.put(MIGRATION_MARK, { ...fresh }, { expected: 0 });
  return { state: fresh, isResumed: false };
}
