/** Port: a way to one other hub. Messages are bytes that only the blackboard reads; a link may lose, repeat, delay and reorder them. */
export interface PeerLink {
  /** The peer's name, as this hub knows it. */
  readonly peer: string;
  /** Asks, and gets the peer's answer. @throws {UnavailableError} when none came in time or the peer failed; the reason of `signal` when it aborts. */
  request(message: Uint8Array, options: { readonly signal: AbortSignal }): Promise<Uint8Array>;
  /** Tells without an answer; best effort, never throws. */
  send(message: Uint8Array): void;
}

/** What a blackboard does with what comes over the links of its peers. `from` is who the transport verified the sender to be. */
export interface PeerHandler {
  /** @throws {InvalidInputError} when the message is none of ours; nothing has changed then. */
  answer(from: PeerIdentity, message: Uint8Array): Promise<Uint8Array>;
  /** Never throws. */
  hear(from: PeerIdentity, message: Uint8Array): void;
}

export interface PeerIdentity {
  readonly name: string;
}
