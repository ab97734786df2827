import { type Clock, type Module, type Principal, type PrincipalKind, systemClock, type Zone } from '@meshwork/core';
import type { TrafficFace } from './traffic-meter.ts';

export interface PresenceOptions {
  readonly clock?: Clock;
  /** Milliseconds for which a caller that makes single requests counts as connected after the last of them. Default 60,000. */
  readonly requestTtlMs?: number;
  /** Callers remembered at most, one for each of its faces. Those that were silent longest are forgotten first. Default 10,000. */
  readonly maxEntries?: number;
}

/** A caller that is connected. Times are ISO 8601. */
export interface PresentAgent {
  readonly agent_id: string;
  readonly kind: PrincipalKind;
  readonly face: TrafficFace;
  readonly zone: Zone;
  readonly connected_at: string;
  readonly last_seen: string;
}

/** Who is connected to this process, as far as its transports know. */
export interface Presence {
  /** A connection that lasts; the function returned says, once, that it has closed. With its last connection to a face a caller is gone from it. */
  opened(principal: Principal, face: TrafficFace): () => void;
  /** A request, or any other sign of life. */
  seen(principal: Principal, face: TrafficFace): void;
  /** Oldest connection first. */
  list(): readonly PresentAgent[];
}

interface Entry {
  readonly principal: Principal;
  readonly face: TrafficFace;
  connectedAt: number;
  lastSeen: number;
  connections: number;
}

export function createPresence({ clock = systemClock, requestTtlMs = 60_000, maxEntries = 10_000 }: PresenceOptions = {}): Presence {
  /** In the order of their last sign of life. */
  const entries = new Map<string, Entry>();
  const isPresent = ({ connections, lastSeen }: Entry, now: number) => connections > 0 || now - lastSeen < requestTtlMs;

  const touch = (key: string, principal: Principal, face: TrafficFace): Entry => {
    const now = clock.now();
    const known = entries.get(key);
    entries.delete(key);
    if (known === undefined && entries.size >= maxEntries) makeRoom(entries);
    // The principal is kept as it is now: its zone goes by the connection it came over last.
    const connectedAt = known !== undefined && isPresent(known, now) ? known.connectedAt : now;
    const entry: Entry = Object.assign(known ?? { connections: 0 }, { principal, face, connectedAt, lastSeen: now });
    entries.set(key, entry);
    return entry;
  };

  return {
    opened(principal, face) {
      const key = keyOf(principal, face);
      const entry = touch(key, principal, face);
      entry.connections += 1;
      let open = true;
      return () => {
        if (!open) return;
        open = false;
        entry.connections -= 1;
        entry.lastSeen = clock.now();
        if (entry.connections === 0 && entries.get(key) === entry) entries.delete(key);
      };
    },
    seen: (principal, face) => void touch(keyOf(principal, face), principal, face),
    list() {
      const now = clock.now();
      for (const [key, entry] of entries) if (!isPresent(entry, now)) entries.delete(key);
      return [...entries.values()].sort((a, b) => a.connectedAt - b.connectedAt).map(describe);
    },
  };
}

/** The module that shows it as the resource `agents://connected`. */
export function presenceModule(presence: Presence): Module {
  return {
    name: 'presence',
    resources: [
      {
        uri: 'agents://connected',
        name: 'connected-agents',
        title: 'Connected agents',
        description: 'Who is connected to this hub now, over which face and since when. A caller that makes single requests counts for a minute.',
        mimeType: 'application/json',
        read: () => ({ json: presence.list() }),
      },
    ],
  };
}

function keyOf({ id }: Principal, face: TrafficFace): string {
  return `${face} ${id}`;
}

/** Somebody with a connection open is forgotten only when everybody has one. */
function makeRoom(entries: Map<string, Entry>): void {
  let oldest: string | undefined;
  for (const [key, { connections }] of entries) {
    oldest ??= key;
    if (connections === 0) {
      oldest = key;
      break;
    }
  }
  if (oldest !== undefined) entries.delete(oldest);
}

function describe({ principal: { id, kind, zone }, face, connectedAt, lastSeen }: Entry): PresentAgent {
  return { agent_id: id, kind, face, zone, connected_at: new Date(connectedAt).toISOString(), last_seen: new Date(lastSeen).toISOString() };
}
