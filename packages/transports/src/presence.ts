import { type Clock, createTeller, type Listenable, type Module, type Principal, type PrincipalKind, systemClock, type Zone } from '@meshwork/core';
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

/** Told at most once, of callers that have shown a credential. */
export interface PresenceEvents {
  /** It was not there before: it has no other connection to the face and made no request there lately. */
  'agent-connected': (event: PresentAgent) => void;
  /** It has had no connection to the face and made no request there for `requestTtlMs`: one that comes back sooner was never gone. */
  'agent-gone': (event: PresentAgent) => void;
}

/** Who is connected to this process, as far as its transports know. */
export interface Presence {
  readonly events: Listenable<PresenceEvents>;
  /** A connection that lasts; the function returned says, once, that it has closed. With its last connection to a face a caller is gone from it. */
  opened(principal: Principal, face: TrafficFace): () => void;
  /** A request, or any other sign of life. */
  seen(principal: Principal, face: TrafficFace): void;
  /** Oldest connection first. */
  list(): readonly PresentAgent[];
  /** Tells nothing more. */
  close(): void;
}

interface Entry {
  readonly principal: Principal;
  readonly face: TrafficFace;
  connectedAt: number;
  lastSeen: number;
  connections: number;
  /** Its last connection was closed, and it may be back in a moment: not listed, and not yet told of as gone. */
  hasLeft: boolean;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function createPresence({ clock = systemClock, requestTtlMs = 60_000, maxEntries = 10_000 }: PresenceOptions = {}): Presence {
  /** In the order of their last sign of life. */
  const entries = new Map<string, Entry>();
  const { events, tell, close: hush } = createTeller<PresenceEvents>();
  const isOver = ({ connections, lastSeen }: Entry, now: number) => connections === 0 && now - lastSeen >= requestTtlMs;
  const isPresent = (entry: Entry, now: number) => !entry.hasLeft && !isOver(entry, now);
  const tellOf = (name: keyof PresenceEvents, entry: Entry) => {
    if (entry.principal.kind !== 'anonymous') tell(name, describe(entry));
  };
  const forget = (key: string, entry: Entry) => {
    entries.delete(key);
    tellOf('agent-gone', entry);
  };

  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  const sweep = () => {
    timer = undefined;
    const now = clock.now();
    for (const [key, entry] of entries) if (isOver(entry, now)) forget(key, entry);
    sweepLater();
  };
  /** When the time of the caller that has been silent longest is over. */
  const sweepLater = () => {
    if (timer !== undefined || closed) return;
    for (const { connections, lastSeen } of entries.values()) {
      if (connections > 0) continue;
      const wait = Math.min(Math.max(1, lastSeen + requestTtlMs - clock.now()), LONGEST_TIMER_MS);
      timer = setTimeout(sweep, wait).unref();
      return;
    }
  };

  const touch = (key: string, principal: Principal, face: TrafficFace): Entry => {
    const now = clock.now();
    const found = entries.get(key);
    if (found !== undefined && isOver(found, now)) forget(key, found);
    const known = entries.get(key);
    entries.delete(key);
    if (known === undefined && entries.size >= maxEntries) makeRoom(entries, forget);
    // The principal is kept as it is now: its zone goes by the connection it came over last.
    const connectedAt = known !== undefined && isPresent(known, now) ? known.connectedAt : now;
    const entry: Entry = Object.assign(known ?? { connections: 0 }, { principal, face, connectedAt, lastSeen: now, hasLeft: false });
    entries.set(key, entry);
    if (known === undefined) tellOf('agent-connected', entry);
    return entry;
  };

  return {
    events,
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
        if (entry.connections > 0 || entries.get(key) !== entry) return;
        entry.hasLeft = true;
        entries.delete(key);
        entries.set(key, entry);
        sweepLater();
      };
    },
    seen(principal, face) {
      touch(keyOf(principal, face), principal, face);
      sweepLater();
    },
    list() {
      const now = clock.now();
      for (const [key, entry] of entries) if (isOver(entry, now)) forget(key, entry);
      return [...entries.values()]
        .filter((entry) => isPresent(entry, now))
        .sort((a, b) => a.connectedAt - b.connectedAt)
        .map(describe);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      hush();
    },
  };
}

/** The module that shows it as the resource `agents://connected`. */
export function presenceModule(presence: Presence): Module {
  return {
    name: 'presence',
    close: async () => presence.close(),
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
function makeRoom(entries: ReadonlyMap<string, Entry>, forget: (key: string, entry: Entry) => void): void {
  let oldest: readonly [string, Entry] | undefined;
  for (const each of entries) {
    oldest ??= each;
    if (each[1].connections === 0) {
      oldest = each;
      break;
    }
  }
  if (oldest !== undefined) forget(...oldest);
}

function describe({ principal: { id, kind, zone }, face, connectedAt, lastSeen }: Entry): PresentAgent {
  return { agent_id: id, kind, face, zone, connected_at: new Date(connectedAt).toISOString(), last_seen: new Date(lastSeen).toISOString() };
}
