import type { DeltaEntry, Version } from './board-state.ts';

/** The entry of a key, or an element, that has one version, of which nothing is known beyond the delta's context: what most are. */
export class LoneEntry implements DeltaEntry {
  readonly version: Version;

  constructor(version: Version) {
    this.version = version;
  }

  get key(): string {
    return this.version.key;
  }

  get versions(): readonly Version[] {
    return [this.version];
  }
}
