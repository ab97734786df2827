import { type Clock, ConflictError, type IdSource, InvalidInputError, type Store, type Teller, UnavailableError } from '@meshwork/core';
import type { BlackboardEvents, BoardSettings, BoardStatus } from './blackboard.ts';
import { createBoard } from './board/create-board.ts';
import { entryOfReading, entryOfStrong } from './board/entry-of.ts';
import { createExpiry } from './board/expiry.ts';
import { createHistory } from './board/history.ts';
import { inTime } from './board/in-time.ts';
import { createLevelRecords } from './board/level-records.ts';
import { createWatchers } from './board/watchers.ts';
import type { Board, ReadOptions } from './board.ts';
import type { Entry } from './entry.ts';
import { createBoardExchange } from './exchange/board-exchange.ts';
import { createPeerSession, type PeerSession } from './exchange/peer-session.ts';
import { createHybridClock } from './hybrid-clock.ts';
import { createLevels } from './levels.ts';
import type { PeerLink } from './peer-link.ts';
import { createForgetting } from './replica/forget-retired.ts';
import { openMembers, RESERVED } from './replica/members.ts';
import { openReplica } from './replica/open-replica.ts';
import type { Change } from './state/board-state.ts';
import { isTombstone } from './state/winner.ts';
import type { StrongStore } from './strong/strong-store.ts';

export interface OpenBoardOptions {
  readonly name: string;
  readonly hub: string;
  readonly space: string;
  readonly store: Store;
  readonly place: string;
  readonly settings: BoardSettings;
  readonly strong: StrongStore | undefined;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly random: () => number;
  readonly syncEveryMs: number;
  readonly requestTimeoutMs: number;
  readonly maxAbsenceMs: number;
  readonly forgottenMs: number;
  readonly minLogBytes: number;
  readonly teller: Teller<BlackboardEvents>;
  readonly onError: (error: unknown) => void;
}

const MAX_KEY_LENGTH = 1_024;
const MAX_VALUE_LENGTH = 1_048_576;

/** A board, open: what serves its readers and writers, and what keeps it equal to its peers'. */
export interface OpenBoard {
  readonly board: Board;
  /** Answers a peer. */
  answer(from: string, bytes: Uint8Array): Promise<Uint8Array>;
  status(): Promise<BoardStatus>;
  connect(link: PeerLink): () => void;
  close(): Promise<void>;
}

export async function openBoard(options: OpenBoardOptions): Promise<OpenBoard> {
  const { name, hub, space, store, place, settings, strong, clock, ids, teller, onError, syncEveryMs, maxAbsenceMs, forgottenMs } = options;
  const { maxKeys = 1_000_000, maxKeyLength = MAX_KEY_LENGTH, maxValueLength = MAX_VALUE_LENGTH, historyLength = 10_000 } = settings;
  const levels = createLevels(settings);
  if (strong === undefined && levels.mayBeStrong('')) {
    throw new InvalidInputError(`the board ${JSON.stringify(name)} has keys of level strong and nothing to keep them in; give a strong store`);
  }
  if (levels.hasChosen && strong?.hasCompareAndSet !== true) {
    throw new InvalidInputError(
      `writers choose the level of keys on the board ${JSON.stringify(name)}, which takes compare-and-set; give a strong store that has it (createKeyValueStrongStore)`,
    );
  }
  // Smaller limits are for who writes here: what was written before they were set, and what peers wrote, is kept.
  const limits = { maxKeyLength: Math.max(maxKeyLength, MAX_KEY_LENGTH), maxValueLength: Math.max(maxValueLength, MAX_VALUE_LENGTH) };
  const monotonic = () => clock.monotonic?.() ?? clock.now();
  const streams = (part: string) => `blackboard/${encodeURIComponent(space)}/${encodeURIComponent(name)}/${part}`;
  const replica = await openReplica({
    journal: store,
    streams: { log: streams('log'), snapshot: streams('snapshot') },
    place,
    limits,
    clock: createHybridClock(clock, (id, aheadMs) => teller.tell('clock-refused', { board: name, replica: id, aheadMs })),
    ids,
    minLogBytes: options.minLogBytes,
    onError,
    onRenamed: (event) => teller.tell('replica-renamed', { board: name, ...event }),
  });
  const members = await openMembers({
    replica,
    name: hub,
    clock,
    store,
    key: streams('heard'),
    maxAbsenceMs,
    onRetired: (id) => teller.tell('replica-retired', { board: name, replica: id }),
  });
  if (members.awayMs > forgottenMs) {
    const days = Math.floor(members.awayMs / 86_400_000);
    const what = `the board ${JSON.stringify(name)} was away from all others for ${days} days, longer than they remember who was there`;
    onError(new ConflictError(`${what}: what they have deleted meanwhile may come back; start it on an empty store if that matters`));
  }
  const forgetting = createForgetting({ replica, members, clock, writer: hub, maxAbsenceMs, forgottenMs });
  const watchers = createWatchers();
  const history = createHistory({ journal: store, stream: streams('history'), length: historyLength, onError });
  const expiry = createExpiry({ replica, clock, writer: hub });
  const exchange = createBoardExchange({ board: name, name: hub, levels: levels.fingerprint, limits, replica, members, monotonic });
  const sessions = new Set<PeerSession>();
  const closing = new AbortController();
  let onReach: (() => void)[] = [];
  let isClosed = false;

  const announce = (key: string, before: Entry | undefined, after: Entry | undefined) => {
    watchers.tell({ key, before, after });
    if (after === undefined) return;
    const { writer, replica: id, tombstone, conflicts } = after;
    teller.tell('entry-changed', { board: name, key, writer, replica: id, tombstone });
    if (conflicts > (before?.conflicts ?? 0)) teller.tell('conflict-found', { board: name, key, conflicts });
  };
  const onChanges = (changes: readonly Change[]) => {
    // First of all: what goes to another hub has the longest way.
    for (const session of sessions) session.nudge();
    const seen: Entry[] = [];
    for (const { key, before, after } of changes) {
      if (key.startsWith(RESERVED)) continue;
      const level = levels.replicatedAs(key);
      const entry = after && entryOfReading(replica.state, after, level);
      if (entry !== undefined) seen.push(entry);
      announce(key, before === undefined || isTombstone(before.version) ? undefined : entryOfReading(replica.state, before, level), entry);
    }
    history.add(seen);
    const waiting = onReach;
    onReach = [];
    for (const look of waiting) look();
  };
  replica.onDurable(onChanges);
  // One that was retired joins once it has caught up.
  if (exchange.mayJoin()) await members.join();

  const stopStrong = strong?.onChange((key) => {
    if (key.startsWith(RESERVED) || isClosed) return;
    // Nothing is in the strong store that is not strong, but what was before a rule was another one.
    const level = levels.of(key);
    if (level !== 'strong' && level !== 'chosen') return;
    const tell = async () => {
      const reading = await strong.read(key, { signal: AbortSignal.timeout(options.requestTimeoutMs) });
      if (reading === undefined || isClosed) return;
      const entry = entryOfStrong(reading);
      history.add([entry]);
      announce(key, undefined, entry);
    };
    // Who reads the key is told what is wrong; who watches hears of the next change.
    tell().catch(onError);
  });

  const sync = async ({ signal, timeoutMs }: ReadOptions): Promise<void> => {
    const ending = new AbortController();
    const all = [...sessions];
    const outcomes = await inTime(Promise.allSettled(all.map((session) => session.exchange(ending.signal))), { signal, timeoutMs }).finally(() =>
      ending.abort(),
    );
    const failed = all.filter((_, at) => outcomes[at]?.status === 'rejected');
    if (failed.length > 0 && failed.length === all.length) {
      const peers = failed.map(({ status: { peer, reason } }) => ({ peer, reason: reason ?? 'it did not answer' }));
      throw new UnavailableError(`no peer of the board ${JSON.stringify(name)} could be reached; this hub goes on by itself`, { details: { peers } });
    }
  };
  const tidy = async () => {
    await expiry.sweep();
    await members.retireSilent();
    if (exchange.mayJoin()) await members.join();
    await members.remember();
    replica.collect(members.stable());
    await forgetting.step();
  };
  let tidying: Promise<void> | undefined;
  const timer = setInterval(() => {
    tidying ??= tidy()
      .catch((error: unknown) => {
        if (!isClosed) onError(error);
      })
      .finally(() => {
        tidying = undefined;
      });
  }, syncEveryMs);
  (timer as { unref?: () => void }).unref?.();

  const board = createBoard({
    name,
    hub,
    replica,
    members,
    levels,
    strong,
    records: levels.hasChosen && strong !== undefined ? createLevelRecords({ store: strong, time: replica.time, hub }) : undefined,
    history,
    watchers,
    clock,
    maxKeys,
    maxKeyLength,
    maxValueLength,
    sync,
    async reach(vector, signal) {
      while (!signal.aborted && !closing.signal.aborted && !replica.hasOnDisk(vector)) {
        const news = new Promise<void>((resolve) => {
          onReach.push(resolve);
          signal.addEventListener('abort', () => resolve());
        });
        for (const session of sessions) session.exchange(signal).catch(() => {});
        await news;
      }
    },
  });

  return {
    board,
    async answer(from, bytes) {
      const answer = await exchange.answer(from, bytes);
      for (const session of sessions) if (session.status.peer === from) session.heard();
      return answer;
    },
    async status() {
      return {
        board: name,
        replica: replica.state.replica,
        keys: replica.state.size - members.count,
        forgotten: replica.state.forgotten.size,
        versions: replica.state.versions,
        digest: exchange.digest() || replica.state.digest(),
        vector: Object.fromEntries(replica.durable),
        members: members.all().map(({ replica: id, name: hubName, state }) => ({ replica: id, name: hubName, state, lastHeardMs: members.silentMs(id) })),
        peers: [...sessions].map(({ status }) => status),
      };
    },
    connect(link) {
      const session = createPeerSession({
        link,
        exchange,
        replica,
        limits,
        syncEveryMs,
        requestTimeoutMs: options.requestTimeoutMs,
        monotonic,
        random: options.random,
        onReached: (peer) => teller.tell('peer-reached', { peer, board: name }),
        onLost: (peer, reason) => teller.tell('peer-lost', { peer, board: name, reason }),
        onError,
      });
      sessions.add(session);
      return () => {
        sessions.delete(session);
        session.close();
      };
    },
    async close() {
      isClosed = true;
      clearInterval(timer);
      stopStrong?.();
      for (const session of sessions) session.close();
      closing.abort();
      watchers.close();
      await tidying;
      await replica.close();
      await history.close();
      await strong?.close();
    },
  };
}
