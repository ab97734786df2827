import { MeshworkError, UnavailableError } from '@meshwork/core';
import type { DeltaLimits } from '../codec/delta-limits.ts';
import type { PeerLink } from '../peer-link.ts';
import type { Replica } from '../replica/replica.ts';
import type { Delta, DeltaPart } from '../state/board-state.ts';
import { isWithinVector, type VersionVector } from '../state/context.ts';
import { askInTime } from './ask-in-time.ts';
import type { BoardExchange } from './board-exchange.ts';
import { decodeMessage, encodeMessage, type Message, type Page } from './message.ts';
import type { Moment } from './moments.ts';

/** How a board does with one peer. */
interface PeerStatus {
  readonly peer: string;
  readonly isReached: boolean;
  /** Milliseconds since the last exchange. */
  readonly lastExchangeMs: number | undefined;
  readonly reason?: string;
}

/** Keeps one peer up to date about one board, and learns from it. */
export interface PeerSession {
  readonly status: PeerStatus;
  /** There are changes, and perhaps fresh own writes among them. */
  nudge(): void;
  /** The peer has said something by itself: if it could not be reached the last time, it is tried soon. */
  heard(): void;
  /** One exchange, now. @throws {UnavailableError} when the peer could not be reached. */
  exchange(signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface PeerSessionOptions {
  readonly link: PeerLink;
  readonly exchange: BoardExchange;
  readonly replica: Replica;
  readonly limits: DeltaLimits;
  readonly syncEveryMs: number;
  readonly requestTimeoutMs: number;
  readonly monotonic: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly onReached: (peer: string) => void;
  readonly onLost: (peer: string, reason: string) => void;
  readonly onError: (error: unknown) => void;
}

/** What this replica and the peer have compared. */
interface Compared {
  /** This replica's moment. */
  readonly moment: Moment;
  /** The peer's name for its own, and what it had seen then. */
  readonly comparison: string;
  readonly vector: VersionVector;
  /** Where the two differ. */
  readonly buckets: Uint8Array;
}

/** A peer that does not answer is asked less and less often, up to so many times `syncEveryMs`. */
const MAX_BACK_OFF = 16;
/** Exchanges between two comparisons of everything. */
const REPAIR_EVERY = 8;

export function createPeerSession(options: PeerSessionOptions): PeerSession {
  const { link, exchange, replica, limits, syncEveryMs, requestTimeoutMs, monotonic, random } = options;
  const closing = new AbortController();
  /** What the peer has on disk, as far as it has said. */
  let theirs: VersionVector | undefined;
  /** Its replica, as it said last. */
  let peerReplica: string | undefined;
  let reason: string | undefined;
  let isReached = false;
  let lastExchange: number | undefined;
  let failures = 0;
  let transfers = 0;
  let sinceRepair = REPAIR_EVERY;
  let underWay: Promise<void> | undefined;
  let nudged = false;
  let isHeard = false;
  let wake: (() => void) | undefined;

  const ask = async <Kind extends Message['kind']>(message: Message, kind: Kind, signal: AbortSignal): Promise<Extract<Message, { kind: Kind }>> => {
    const bytes = await askInTime({ timeoutMs: requestTimeoutMs, signals: [signal, closing.signal] }, (ending) =>
      link.request(encodeMessage(message), { signal: ending }),
    );
    const answer = decodeMessage(bytes, limits);
    if (answer.kind !== kind || answer.board !== exchange.board)
      throw new UnavailableError(`${JSON.stringify(link.peer)} gave an answer to something else; ask again`);
    return answer as Extract<Message, { kind: Kind }>;
  };
  const { board } = exchange;

  const pull = async (signal: AbortSignal, since: VersionVector, { first, among }: { first?: Page; among?: DeltaPart } = {}): Promise<readonly Delta[]> => {
    const pageSince = async (cursor: VersionVector) =>
      (await ask({ board, kind: 'pull', replica: replica.state.replica, since: cursor, among }, 'page', signal)).page;
    const pages: Delta[] = [];
    for (let page = first ?? (await pageSince(since)); ; page = await pageSince(page.delta.covers.to)) {
      pages.push(page.delta);
      if (page.isLast) return pages;
    }
  };
  const push = async (signal: AbortSignal, since: VersionVector, compared?: Compared): Promise<void> => {
    transfers += 1;
    let cursor = since;
    const among = compared && { buckets: compared.buckets, seen: compared.vector };
    const whole = compared && { comparison: compared.comparison, buckets: compared.buckets, upTo: compared.moment.context.vector };
    for (let number = 0, isLast = false; !isLast; number++) {
      const page = await exchange.pageSince(cursor, among);
      if (compared !== undefined && compared.moment.replica !== replica.state.replica)
        throw new UnavailableError('the replica took another name since it was compared; compare again');
      ({ isLast } = page);
      cursor = page.delta.covers.to;
      const answer = await ask(
        { board, kind: 'push', introduction: exchange.introduce(peerReplica), transfer: transfers, number, whole, page },
        'taken',
        signal,
      );
      await exchange.meet(link.peer, answer.introduction);
      peerReplica = answer.introduction.replica;
      if (isLast || !answer.isTaken) theirs = answer.introduction.acknowledged[0]?.vector;
      if (!answer.isTaken) throw new UnavailableError(`${JSON.stringify(link.peer)} has lost something it had; it is asked again what it has`);
    }
  };
  const compare = async (signal: AbortSignal): Promise<Compared> => {
    const moment = await exchange.moment();
    const { comparison, vector, buckets } = await ask({ board, kind: 'compare', replica: moment.replica, sums: moment.sums }, 'compared', signal);
    if (buckets.length * 16 !== moment.sums.length)
      throw new UnavailableError(`${JSON.stringify(link.peer)} compared other buckets than it was given; ask again`);
    return { moment, comparison, vector, buckets };
  };
  const pullCompared = async (signal: AbortSignal, { moment, vector, buckets }: Compared): Promise<void> => {
    const pages = await pull(signal, new Map(), { among: { buckets, seen: moment.context.vector } });
    await exchange.takeCompared(pages, { moment, buckets, upTo: vector });
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    const welcome = await ask({ board, kind: 'hello', introduction: exchange.introduce(peerReplica) }, 'welcome', signal);
    const me = replica.state.replica;
    await exchange.meet(link.peer, welcome.introduction);
    peerReplica = welcome.introduction.replica;
    theirs = welcome.introduction.acknowledged[0]?.vector ?? new Map();
    // Who has another name since pulls under that one, once it is known there.
    let compared: Compared | undefined;
    const knowsMe = me === replica.state.replica ? welcome.knowsYouAs : 'unknown';
    if (knowsMe === 'unknown') {
      await push(signal, theirs);
      if (exchange.isLacking) {
        compared = await compare(signal);
        await pullCompared(signal, compared);
      } else await exchange.take(await pull(signal, replica.durable));
    } else {
      const isDifferent = isUneven(welcome.digest);
      if (isDifferent) sinceRepair = 0;
      if (knowsMe === 'retired' || exchange.isLacking || isDifferent) {
        compared = await compare(signal);
        await pullCompared(signal, compared);
        if (isDifferent) await push(signal, new Map(), compared);
      } else if (welcome.page !== undefined) await exchange.take(await pull(signal, new Map(), { first: welcome.page }));
    }
    // Who is only ever called cannot ask for it.
    if (welcome.introduction.isLacking) await push(signal, new Map(), compared ?? (await compare(signal)));
    if (theirs === undefined || !isWithinVector(replica.durable, theirs)) await push(signal, theirs ?? new Map());
  };
  /** Equal vectors and unequal contents: something went wrong somewhere, and all is compared. */
  const isUneven = (digest: string): boolean => {
    sinceRepair += 1;
    if (digest === '' || sinceRepair < REPAIR_EVERY) return false;
    const { durable } = replica;
    if (theirs === undefined || !isWithinVector(durable, theirs) || !replica.hasOnDisk(theirs)) return false;
    const own = exchange.digest();
    return own !== '' && own !== digest;
  };

  const note = (error: unknown) => {
    const said = error instanceof Error ? error.message : String(error);
    failures += 1;
    theirs = undefined;
    if (isReached || reason === undefined || (MeshworkError.isInstance(error) && error.code === 'CONFLICT' && reason !== said)) options.onLost(link.peer, said);
    isReached = false;
    reason = said;
  };
  const attempt = async (signal: AbortSignal, work: () => Promise<void>): Promise<void> => {
    while (underWay !== undefined) await underWay.catch(() => {});
    if (closing.signal.aborted || signal.aborted) return;
    underWay = work();
    try {
      await underWay;
      failures = 0;
      lastExchange = monotonic();
      reason = undefined;
      if (!isReached) options.onReached(link.peer);
      isReached = true;
    } catch (error) {
      if (!closing.signal.aborted) note(error);
      throw error;
    } finally {
      underWay = undefined;
    }
  };
  /** Only own writes: what came from others they push themselves, and where they cannot, the next exchange does. */
  const isFresh = () => {
    const me = replica.state.replica;
    return (replica.durable.get(me) ?? 0) > (theirs?.get(me) ?? 0);
  };
  const pushFresh = async () => {
    if (theirs !== undefined && isFresh()) await push(closing.signal, theirs);
  };
  /** Waits so long, or until somebody wakes it. */
  const isWoken = (ms: number): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      (timer as { unref?: () => void }).unref?.();
      wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  const loop = async () => {
    while (!closing.signal.aborted) {
      isHeard = false;
      await attempt(closing.signal, () => run(closing.signal)).catch(() => {});
      const waitMs = syncEveryMs * Math.min(2 ** failures, MAX_BACK_OFF) * (0.75 + random() / 2);
      const since = monotonic();
      const dueIn = () => since + (isHeard && failures > 0 ? syncEveryMs / 4 : waitMs) - monotonic();
      // Fresh writes come in between; what fails then waits for the next exchange.
      for (let left = dueIn(); left > 0 && !closing.signal.aborted; left = dueIn()) {
        if (nudged && theirs !== undefined) {
          nudged = false;
          await attempt(closing.signal, pushFresh).catch(() => {});
          continue;
        }
        if (!(await isWoken(left))) break;
      }
    }
  };
  loop().catch(options.onError);

  return {
    get status() {
      const lastExchangeMs = lastExchange === undefined ? undefined : monotonic() - lastExchange;
      return { peer: link.peer, isReached, lastExchangeMs, ...(reason !== undefined && { reason }) };
    },
    nudge() {
      if (!isFresh()) return;
      nudged = true;
      if (theirs !== undefined) wake?.();
    },
    heard() {
      isHeard = true;
      if (failures > 0) wake?.();
    },
    exchange: (signal) => attempt(signal, () => run(signal)),
    close() {
      closing.abort(new UnavailableError('the connection to the peer was ended'));
      wake?.();
    },
  };
}
