import type { HeldVersion } from './held-version.ts';
import type { ReplicaLog } from './replica-log.ts';
import type { Seen } from './seen.ts';
import { type Slots, slotOf } from './slots.ts';

export interface DropRequest {
  readonly logs: Map<string, ReplicaLog>;
  readonly slots: Slots;
  readonly seen: Seen;
  /** Hears of a key before its versions change. */
  readonly onChange?: ((key: string) => void) | undefined;
}

/**
 * Drops the versions that are forgotten: somebody has seen what superseded them. A replica's own go only when it has itself written so much: one that has not was brought
 * back from a backup, and its writes since are other writes under dots that were used before; they stay until it has another name.
 */
export function dropForgotten({ logs, slots, seen, onChange }: DropRequest): void {
  const { forgotten, replica: me } = seen;
  for (const [replica, log] of logs) {
    const upTo = forgotten.upTo(replica);
    if (upTo === 0 || (replica === me && seen.own < upTo)) continue;
    for (const version of versionsUpTo(log, upTo)) {
      const slot = slotOf(version);
      const group = slots.get(slot);
      onChange?.(version.key);
      slots.put(
        slot,
        version.key,
        group,
        group.filter((other) => other !== version),
      );
      log.drop(version);
    }
    if (replica !== me && !seen.others.has(replica) && log.above(0).next().done === true) logs.delete(replica);
  }
}

/** What the versions of a record's key say. Anything but a text is no record. */
export function textsOf(versions: readonly HeldVersion[]): string[] {
  return versions.flatMap(({ kind, value }) => (kind === 'value' && typeof value === 'string' ? [value] : []));
}

function versionsUpTo(log: ReplicaLog, counter: number): HeldVersion[] {
  const versions: HeldVersion[] = [];
  for (const version of log.above(0)) {
    if (version.counter > counter) break;
    versions.push(version);
  }
  return versions;
}
