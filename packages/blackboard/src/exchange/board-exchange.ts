import { ConflictError, InvalidInputError, UnavailableError } from '@meshwork/core';
import type { DeltaLimits } from '../codec/delta-limits.ts';
import type { Members } from '../replica/members.ts';
import type { Replica } from '../replica/replica.ts';
import type { Delta, DeltaPart } from '../state/board-state.ts';
import { bucketsFor, differingBuckets } from '../state/buckets.ts';
import { isWithinVector, type VersionVector } from '../state/context.ts';
import { joinPages } from './join-pages.ts';
import { decodeMessage, encodeMessage, type Introduction, type Message, type Page } from './message.ts';
import { createMoments, type Moment } from './moments.ts';
import { type TakenWhole, takeWhole } from './take-whole.ts';

/** Bytes of a page, about. */
const PAGE_BYTES = 256 * 1_024;
/** Bytes of the messages of one push that is not over yet. */
const MAX_PUSH_BYTES = 256 * 1_024 * 1_024;
const MAX_PUSHES = 64;
/** A digest reads everything: it is made again after so many times what it took. */
const DIGEST_REST = 50;

/** One board's side of exchanges with peers, whoever began them. */
export interface BoardExchange {
  readonly board: string;
  /** @throws {InvalidInputError} when the message is none of ours, {@link UnavailableError} when the store fails. */
  answer(from: string, bytes: Uint8Array): Promise<Uint8Array>;
  /** To whom, where that is known. */
  introduce(to?: string): Introduction;
  /** Looks at what a peer says of itself and of this replica. @throws {ConflictError} when its level rules are others. */
  meet(peer: string, introduction: Introduction): Promise<void>;
  /** What somebody lacks, or the part of it they ask for, once it is on disk here. */
  pageSince(since: VersionVector, among?: DeltaPart): Promise<Page>;
  /** False when something is missing before them, and nothing was merged. */
  take(pages: readonly Delta[]): Promise<boolean>;
  /** Takes all that a peer has where it was compared and differs. @throws {UnavailableError} when the comparison holds no more. */
  takeCompared(pages: readonly Delta[], compared: Omit<TakenWhole, 'delta'>): Promise<void>;
  /** What a peer needs for comparing, once it is on disk here. */
  moment(): Promise<Moment>;
  /** Of the live versions; empty when it was made so lately that making it again would cost too much. */
  digest(): string;
  /** True until this replica, which has lost or missed something, has taken all that some peer has. */
  readonly isLacking: boolean;
  /** Whether this replica can be waited for: one that was retired has first to take all that some peer has, with what was forgotten meanwhile. */
  mayJoin(): boolean;
}

export interface BoardExchangeOptions {
  readonly board: string;
  readonly name: string;
  readonly levels: string;
  readonly limits: DeltaLimits;
  readonly replica: Replica;
  readonly members: Members;
  readonly monotonic: () => number;
}

interface Push {
  readonly transfer: number;
  readonly pages: Delta[];
  bytes: number;
}

export function createBoardExchange({ board, name, levels, limits, replica, members, monotonic }: BoardExchangeOptions): BoardExchange {
  const pushes = new Map<string, Push>();
  const moments = createMoments(replica);
  let digested = { edition: -1, digest: '', againAt: 0 };
  let isLacking = false;
  /** It has taken everything since it knows that it was retired. */
  let hasCaughtUp = false;

  const introduce = (to?: string): Introduction => ({ replica: replica.state.replica, life: replica.life, isLacking, levels, acknowledged: members.tell(to) });
  const digest = () => {
    const { edition } = replica;
    if (digested.edition === edition) return digested.digest;
    const start = monotonic();
    // What is not on disk yet is in the digest, and not in what others are told.
    if (start < digested.againAt || !replica.isSettled) return '';
    const made = replica.state.digest();
    const end = monotonic();
    digested = { edition, digest: made, againAt: end + (end - start) * DIGEST_REST };
    return made;
  };
  const meet = async (peer: string, introduction: Introduction) => {
    if (introduction.levels !== levels) {
      throw new ConflictError(
        `${JSON.stringify(peer)} has other level rules for the board ${JSON.stringify(board)}, so nothing of it is exchanged; give both hubs the same rules`,
      );
    }
    const me = replica.state.replica;
    const { durable } = replica;
    if (introduction.life === replica.life) throw new InvalidInputError(`${JSON.stringify(peer)} is this hub itself; take it from the peers`);
    const isCopied = introduction.replica === me;
    const isBehind = introduction.acknowledged.some(
      ({ replica: id, vector }) => (vector.get(me) ?? 0) > (durable.get(me) ?? 0) || (id === me && !replica.hasOnDisk(vector)),
    );
    if (isBehind || isCopied) {
      isLacking = true;
      await replica.rename(
        isCopied
          ? `${JSON.stringify(peer)} has the same name: one is a copy of the other`
          : `${JSON.stringify(peer)} knows more of this replica than it does itself: a backup was brought back, or two run under one name`,
      );
      await members.join();
      await members.retire(me);
    }
    members.hear(introduction.acknowledged);
  };
  const pageSince = async (since: VersionVector, among?: DeltaPart): Promise<Page> => {
    const { state } = replica;
    const page = state.deltaSince(since, { maxBytes: PAGE_BYTES, among });
    await replica.settled();
    if (replica.state !== state) throw new UnavailableError('the replica took another name meanwhile; ask again');
    return page;
  };
  const takeTimes = ({ entries }: Delta) => {
    const latest = new Map<string, number>();
    for (const { versions } of entries) for (const { replica: id, time } of versions) latest.set(id, Math.max(time, latest.get(id) ?? 0));
    for (const [id, time] of latest) replica.time.take(time, id);
  };
  const take = async (pages: readonly Delta[]) => {
    const delta = joinPages(pages);
    takeTimes(delta);
    return (await replica.merge(delta)) !== undefined;
  };
  const takeCompared = async (pages: readonly Delta[], compared: Omit<TakenWhole, 'delta'>) => {
    const delta = joinPages(pages);
    if (delta.covers.from.size > 0) throw new InvalidInputError('what is given as a whole state begins later; send it from its beginning');
    takeTimes(delta);
    await takeWhole(replica, { delta, ...compared }, name);
    isLacking = false;
    hasCaughtUp = members.standing(replica.state.replica) === 'retired';
  };
  /** The pages of a push once the last one is there. */
  const assemble = (from: string, { transfer, number, page }: Extract<Message, { kind: 'push' }>, bytes: number): readonly Delta[] | undefined => {
    if (number === 0 && page.isLast) return [page.delta];
    let push = pushes.get(from);
    if (number === 0) {
      push = { transfer, pages: [], bytes: 0 };
      pushes.delete(from);
      pushes.set(from, push);
      for (const [oldest] of pushes) if (pushes.size > MAX_PUSHES) pushes.delete(oldest);
    }
    if (push?.transfer !== transfer || number > push.pages.length) throw new UnavailableError('pages before this one are missing; push again from the first');
    if (number < push.pages.length) return undefined;
    push.bytes += bytes;
    if (push.bytes > MAX_PUSH_BYTES) {
      pushes.delete(from);
      throw new InvalidInputError(`a push is larger than ${MAX_PUSH_BYTES} bytes; let the other hub pull instead`);
    }
    push.pages.push(page.delta);
    if (!page.isLast) return undefined;
    pushes.delete(from);
    return push.pages;
  };

  const checkMember = (id: string) => {
    if (members.standing(id) === undefined) throw new UnavailableError('who pulls is not a member yet; push first');
  };

  const respond = async (from: string, message: Message, bytes: number): Promise<Message> => {
    switch (message.kind) {
      case 'hello': {
        const { introduction } = message;
        await meet(from, introduction);
        const theirs = introduction.acknowledged[0]?.vector ?? new Map();
        const knowsYouAs = members.standing(introduction.replica) ?? 'unknown';
        const page = knowsYouAs === 'active' ? await pageSince(theirs) : undefined;
        const isEven = replica.hasOnDisk(theirs) && isWithinVector(replica.durable, theirs);
        return { board, kind: 'welcome', introduction: introduce(introduction.replica), knowsYouAs, digest: isEven ? digest() : '', page };
      }
      case 'pull': {
        checkMember(message.replica);
        return { board, kind: 'page', page: await pageSince(message.since, message.among) };
      }
      case 'push': {
        await meet(from, message.introduction);
        const { whole } = message;
        const compared = whole && { moment: moments.of(whole.comparison), buckets: whole.buckets, upTo: whole.upTo };
        const pages = assemble(from, message, bytes);
        let isTaken = true;
        if (pages !== undefined && compared !== undefined) await takeCompared(pages, compared);
        else if (pages !== undefined) isTaken = await take(pages);
        return { board, kind: 'taken', introduction: introduce(message.introduction.replica), isTaken };
      }
      case 'compare': {
        checkMember(message.replica);
        const moment = await moments.now(message.sums.length / 2);
        const buckets = differingBuckets(message.sums, moment.sums);
        return { board, kind: 'compared', comparison: moments.keep(moment), vector: moment.context.vector, buckets };
      }
      default:
        throw new InvalidInputError(`a message of kind ${JSON.stringify(message.kind)} is an answer, and nobody asked`);
    }
  };

  return {
    board,
    answer: async (from, bytes) => encodeMessage(await respond(from, decodeMessage(bytes, limits), bytes.length)),
    introduce,
    meet,
    pageSince,
    take,
    takeCompared,
    moment: () => moments.now(bucketsFor(replica.state.versions)),
    digest,
    get isLacking() {
      return isLacking;
    },
    mayJoin() {
      const standing = members.standing(replica.state.replica);
      if (standing === 'active') hasCaughtUp = false;
      if (standing === 'retired' && !hasCaughtUp) isLacking = true;
      return standing === undefined || !isLacking;
    },
  };
}
