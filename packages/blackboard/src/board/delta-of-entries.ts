import { InvalidInputError } from '@meshwork/core';
import type { Entry } from '../entry.ts';
import type { Delta, Version } from '../state/board-state.ts';
import { emptyCloud, type VersionVector } from '../state/context.ts';
import { versionOfEntry } from './entry-of.ts';

/** Who merges, and what of its own writes there is. */
export interface Merging {
  readonly replica: string;
  readonly vector: VersionVector;
}

/** Entries of registers as a delta that knows of nothing else. @throws {InvalidInputError} when one cannot be. */
export function deltaOfEntries(entries: readonly Entry[], { replica, vector }: Merging): Delta {
  const versions = new Map<string, Version[]>();
  const cloud = new Map<string, Set<number>>();
  for (const entry of entries) {
    const version = versionOfEntry(entry);
    const { key, counter } = version;
    if (version.replica === replica && counter > (vector.get(replica) ?? 0)) {
      throw new InvalidInputError(`the entry of ${JSON.stringify(key)} says that this hub wrote it, which never did; leave it out`);
    }
    const group = versions.get(key) ?? [];
    if (group.some((other) => other.replica === version.replica && other.counter === counter)) continue;
    versions.set(key, [...group, version]);
    cloud.set(version.replica, (cloud.get(version.replica) ?? new Set()).add(counter));
  }
  const nothing: VersionVector = new Map();
  return {
    entries: [...versions].map(([key, group]) => ({ key, versions: group })),
    context: { vector: nothing, cloud: cloud.size === 0 ? emptyCloud : cloud },
    covers: { from: nothing, to: nothing },
  };
}
