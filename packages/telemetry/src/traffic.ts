import type { Face } from '@meshwork/core';

/** The ways bytes come in: the faces of calls, and the HTTP+SSE transport of old clients. */
export type TrafficFace = Face | 'sse';

/** Connections and messages, counted by whoever carries them. Transports declare the same shape as a port of theirs. */
export interface TrafficMeter {
  /** Counts a connection; the function returned says, once, that it has closed. */
  connectionOpened(face: TrafficFace): () => void;
  messageReceived(face: TrafficFace): void;
  messageSent(face: TrafficFace): void;
  /** A message that could not be read, answered or delivered. */
  messageFailed(face: TrafficFace): void;
}

/** What one face has carried so far. */
interface FaceTraffic {
  connections: number;
  connectionsTotal: number;
  received: number;
  sent: number;
  failed: number;
}

export interface Traffic extends TrafficMeter {
  readonly byFace: ReadonlyMap<TrafficFace, Readonly<FaceTraffic>>;
  /** All faces together; `peak` is the most connections that were open at one time. */
  totals(): FaceTraffic & { peak: number };
}

export function createTraffic(): Traffic {
  const byFace = new Map<TrafficFace, FaceTraffic>();
  let current = 0;
  let peak = 0;
  const of = (face: TrafficFace): FaceTraffic => {
    let traffic = byFace.get(face);
    if (traffic === undefined) {
      traffic = { connections: 0, connectionsTotal: 0, received: 0, sent: 0, failed: 0 };
      byFace.set(face, traffic);
    }
    return traffic;
  };
  return {
    byFace,
    connectionOpened(face) {
      const traffic = of(face);
      traffic.connections++;
      traffic.connectionsTotal++;
      current++;
      if (current > peak) peak = current;
      let open = true;
      return () => {
        if (!open) return;
        open = false;
        traffic.connections--;
        current--;
      };
    },
    messageReceived(face) {
      of(face).received++;
    },
    messageSent(face) {
      of(face).sent++;
    },
    messageFailed(face) {
      of(face).failed++;
    },
    totals() {
      const sum = { connections: 0, connectionsTotal: 0, received: 0, sent: 0, failed: 0, peak };
      for (const traffic of byFace.values()) {
        sum.connections += traffic.connections;
        sum.connectionsTotal += traffic.connectionsTotal;
        sum.received += traffic.received;
        sum.sent += traffic.sent;
        sum.failed += traffic.failed;
      }
      return sum;
    },
  };
}
