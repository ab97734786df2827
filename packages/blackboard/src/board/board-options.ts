import type { Clock } from '@meshwork/core';
import type { ReadOptions } from '../board.ts';
import type { Levels } from '../levels.ts';
import type { Members } from '../replica/members.ts';
import type { Replica } from '../replica/replica.ts';
import type { VersionVector } from '../state/context.ts';
import type { StrongStore } from '../strong/strong-store.ts';
import type { History } from './history.ts';
import type { LevelRecords } from './level-records.ts';
import type { Watchers } from './watchers.ts';

/** What a board stands on. */
export interface BoardOptions {
  readonly name: string;
  /** Who writes when nobody is named. */
  readonly hub: string;
  readonly replica: Replica;
  readonly members: Members;
  readonly levels: Levels;
  readonly strong: StrongStore | undefined;
  /** What writers chose, where they do. */
  readonly records: LevelRecords | undefined;
  readonly history: History;
  readonly watchers: Watchers;
  readonly clock: Clock;
  readonly maxKeys: number;
  readonly maxKeyLength: number;
  readonly maxValueLength: number;
  /** Exchanges with all peers. */
  readonly sync: (options: ReadOptions) => Promise<void>;
  /** Waits until the replica has on disk what the vector tells of. Never fails, may never end. */
  readonly reach: (vector: VersionVector, signal: AbortSignal) => Promise<void>;
}
