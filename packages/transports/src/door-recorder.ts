import type { TrafficFace } from './traffic-meter.ts';

/** A request that was refused before a call of it existed. No credential is in it. */
export interface DoorRefusal {
  /** Absent where the request had not come to any face. */
  readonly face?: TrafficFace;
  /** Where it came from, as the transport knows it; absent off the network. */
  readonly address?: string;
  /** The HTTP status it was answered with; of a frame, a line, or a JSON-RPC error in an answer with status 200, the one that says the same. */
  readonly status: number;
  /** A stable name, such as `UNAUTHENTICATED`. */
  readonly code: string;
  /** Why, in the words of the answer. */
  readonly reason: string;
  readonly method?: string;
  /** Without the query. */
  readonly path?: string;
  /** Who sent it, where the door knew. */
  readonly principal?: string;
  /** The public id of the key that was shown, where it has the form of one; that it is known is not said. */
  readonly credentialId?: string;
}

/** Port: keeps a record of everything the door refuses. The answer leaves when `refused` has resolved; when it rejects, it becomes a 503. */
export interface DoorRecorder {
  refused(refusal: DoorRefusal): Promise<void>;
}
