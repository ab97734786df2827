import type { Listenable } from '@meshwork/core';
import type { Board } from './board.ts';
import type { Level } from './entry.ts';
import type { PeerHandler, PeerLink } from './peer-link.ts';

/** The level of all keys that a rule is about, or `chosen`: each key has the one that its first write chose, for good. Needs a strong store with compare-and-set. */
export type LevelSetting = Level | 'chosen';

/** What holds for the keys of a prefix; the longest prefix of a key decides. */
export interface KeyRule {
  readonly prefix: string;
  readonly level?: LevelSetting;
  /** Milliseconds until an entry expires, unless its write says otherwise. Keys of level `strong` never do. */
  readonly ttlMs?: number;
}

/** A board's settings. The same on every hub that has the board: hubs that differ in levels do not exchange it, and say so. */
export interface BoardSettings {
  /** Of keys that no rule names. Default `eventual`. */
  readonly level?: LevelSetting;
  readonly rules?: readonly KeyRule[];
  /** Keys that hold something. Default 1,000,000. */
  readonly maxKeys?: number;
  /** Characters of a key. Default 1,024. */
  readonly maxKeyLength?: number;
  /** Characters of a value's JSON. Default 1,048,576. */
  readonly maxValueLength?: number;
  /** Changes kept for `history`, of all keys together. Default 10,000; 0: none. */
  readonly historyLength?: number;
}

/** What happens at a blackboard. */
export interface BlackboardEvents {
  'entry-changed': (event: {
    readonly board: string;
    readonly key: string;
    readonly writer: string;
    readonly replica: string;
    readonly tombstone: boolean;
  }) => void;
  'conflict-found': (event: { readonly board: string; readonly key: string; readonly conflicts: number }) => void;
  'peer-reached': (event: { readonly peer: string; readonly board: string }) => void;
  'peer-lost': (event: { readonly peer: string; readonly board: string; readonly reason: string }) => void;
  'replica-renamed': (event: { readonly board: string; readonly was: string; readonly is: string; readonly reason: string }) => void;
  'replica-retired': (event: { readonly board: string; readonly replica: string }) => void;
  'clock-refused': (event: { readonly board: string; readonly replica: string; readonly aheadMs: number }) => void;
}

/** How a board does at this hub. */
export interface BoardStatus {
  readonly board: string;
  readonly replica: string;
  readonly keys: number;
  readonly versions: number;
  /** Replicas that are gone for good, and whose writes all have been superseded: no vector names them. */
  readonly forgotten: number;
  readonly digest: string;
  readonly vector: Readonly<Record<string, number>>;
  readonly members: readonly {
    readonly replica: string;
    readonly name: string;
    readonly state: 'active' | 'retired';
    readonly lastHeardMs: number | undefined;
  }[];
  readonly peers: readonly { readonly peer: string; readonly isReached: boolean; readonly lastExchangeMs: number | undefined; readonly reason?: string }[];
}

/** The boards of one hub, and their replication. */
export interface Blackboard extends AsyncDisposable {
  /** This hub's name. */
  readonly name: string;
  readonly events: Listenable<BlackboardEvents>;
  /** Names of the boards. */
  readonly boards: readonly string[];
  /** @throws {NotFoundError} when there is no such board. */
  board(name: string): Board;
  status(name: string): Promise<BoardStatus>;
  /** For whoever receives the messages of peers. */
  readonly peer: PeerHandler;
  /** Replicates with a peer from now on, until the function returned is called. */
  connect(link: PeerLink): () => void;
  /** Waits until all that was acknowledged is on disk; answers nobody any more. */
  close(): Promise<void>;
}
