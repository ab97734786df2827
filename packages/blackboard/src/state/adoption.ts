import { keepForm } from '../stay-compiled.ts';
import type { Version } from './board-state.ts';
import { HeldVersion, holdVersion, type Origin } from './held-version.ts';
import { ReplicaLog } from './replica-log.ts';

/** Makes versions that come from elsewhere those of a state. */
export class Adoption {
  readonly #logOf: (replica: string) => ReplicaLog;
  /** What a decoder's versions were adopted from last, and as. */
  #from: Origin | undefined;
  #to: Origin | undefined;

  constructor(logOf: (replica: string) => ReplicaLog) {
    this.#logOf = logOf;
  }

  /** The version as one of the state's own; one that a decoder has made is taken as it is. */
  hold(version: Version): HeldVersion {
    const isLoose = version instanceof HeldVersion && version.origin.log.isLoose;
    const to = this.#to;
    if (isLoose && to !== undefined && this.#from === version.origin && version.adopt(to)) return version;
    const origin = this.#logOf(version.replica).origin(version.kind, version.writer, version.time);
    if (!isLoose) return copyOf(version, origin);
    this.#from = version.origin;
    this.#to = origin;
    return version.adopt(origin) ? version : copyOf(version, origin);
  }
}

function copyOf({ key, counter, time, value, expiresAt }: Version, origin: Origin): HeldVersion {
  return holdVersion(origin, key, counter, time, value, expiresAt);
}

keepForm(new Adoption(() => new ReplicaLog('')));
