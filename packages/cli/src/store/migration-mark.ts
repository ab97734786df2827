import { type KeyValueStore, StoreFormatError } from '@meshwork/core';
import { ENCRYPTION_MARK } from './encryption.ts';

/** In a store that others are copied into: how far that is. */
export const MIGRATION_MARK = 'core/migration';

export interface MigrationState {
  readonly version: 1;
  /** The source's URL, without secrets. */
  readonly from: string;
  readonly isDone: boolean;
  readonly result?: { readonly keys: number; readonly streams: number; readonly records: number; readonly digest: string };
}

/** True for what a store says about itself: it is not copied. */
export function isOurMark(key: string): boolean {
  return key === ENCRYPTION_MARK || key === MIGRATION_MARK;
}

/** The migration the store is or was the target of. */
export async function migrationOf(store: KeyValueStore): Promise<MigrationState | undefined> {
  return (await store.get(MIGRATION_MARK))?.value as MigrationState | undefined;
}

/** @throws {StoreFormatError} when the store holds only a part of another. */
export async function refuseUnfinished(store: KeyValueStore, shown: string): Promise<void> {
  const state = await migrationOf(store);
  if (state !== undefined && !state.isDone)
    throw new StoreFormatError(`the migration from ${state.from} into the store ${shown} is not finished; run the same "meshwork migrate" again`);
}
