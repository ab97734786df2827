import type { Face } from '@meshwork/core';

/** The ways bytes come in: the faces of calls, and the HTTP+SSE transport of old clients. */
export type TrafficFace = Face | 'sse';

/** Port: counts connections and messages. Every HTTP face tells it of each request and answer. */
export interface TrafficMeter {
  /** Counts a connection; the function returned says, once, that it has closed. */
  connectionOpened(face: TrafficFace): () => void;
  messageReceived(face: TrafficFace): void;
  messageSent(face: TrafficFace): void;
  /** A message that could not be read, answered or delivered. */
  messageFailed(face: TrafficFace): void;
}
