import type { Link } from './link.ts';
import type { Messages } from './messages.ts';
import type { Publisher } from './publisher.ts';

/** What a port works with. */
export interface Parts {
  readonly link: Link;
  /** The JetStream stream, and what its subjects begin with. */
  readonly stream: string;
  readonly root: string;
  readonly messages: Messages;
  readonly publisher: Publisher;
  readonly notes: Notes;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** Small facts of the store, each with a subject of its own of which the last one counts. */
export interface Notes {
  readonly root: string;
  readonly messages: Messages;
  readonly publisher: Publisher;
}
