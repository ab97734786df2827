import {
  ClosedError,
  type Enduring,
  type IdSource,
  InvalidInputError,
  type Journal,
  type KeyValueStore,
  MeshworkError,
  randomIds,
  requireDurable,
  UnknownOutcomeError,
} from '@meshwork/core';
import type { PeerIdentity, PeerLink } from '../peer-link.ts';
import { withEither } from '../with-either.ts';
import type { SendToMember } from './ask-members.ts';
import { checkKey, checkPrefix, checkWrite } from './check-write.ts';
import { createPeerAnswers } from './create-peer-answers.ts';
import { checkMembers, type Epoch } from './epoch.ts';
import type { Epochs } from './epochs.ts';
import { createFixedEpochs } from './fixed-epochs.ts';
import { createKeyListeners } from './key-listeners.ts';
import { MemberLog } from './member-log.ts';
import { createPeerSenders } from './peer-sender.ts';
import { QuorumMember } from './quorum-member.ts';
import { QuorumRegisters } from './quorum-registers.ts';
import { createRecordedEpochs } from './recorded-epochs.ts';
import { type Register, type RegisterLimits, readingOf } from './register.ts';
import { decodeAnswer, encodeRequest } from './strong-message.ts';
import type { StrongReading, StrongStore, StrongWrite } from './strong-store.ts';

export interface QuorumStoreOptions {
  /** This hub's name. It is a member when it is among `members`; any hub may read and write. */
  readonly name: string;
  readonly board: string;
  /** The names of the hubs that keep the registers. Without `epochs` for ever, with it at the beginning. */
  readonly members: readonly string[];
  /** This hub's own store: `blackboard/{name}/strong/{board}` is a stream of it. */
  readonly store: Journal & Enduring;
  /** The way to another hub; `undefined` while there is none. */
  readonly links: (peer: string) => PeerLink | undefined;
  /** What tells this machine and folder from a copy of it. Default: nothing does. */
  readonly place?: string;
  /** A linearizable store that all hubs share (PostgreSQL, NATS with three replicas): members may be changed then, and those that lost their storage admitted again. */
  readonly epochs?: KeyValueStore;
  /** Allows stores that may lose what they acknowledged. For tests and trials: what was lost may be read as it was before. */
  readonly allowVolatile?: boolean;
  readonly ids?: IdSource;
  /** Characters of a key. Default 1,024. */
  readonly maxKeyLength?: number;
  /** Characters of a value's JSON, about. Default 1,048,576. */
  readonly maxValueLength?: number;
  /** Milliseconds until an unanswered message is sent again; twice as many each time. Default 250. */
  readonly resendMs?: number;
  /** Milliseconds that a change of members may rest before another hub goes on with it. Default 2,000. */
  readonly takeOverMs?: number;
}

/** A board's registers, and this hub's part in keeping them. */
export interface QuorumStore extends StrongStore {
  /** The epoch this hub knows, and the id of its own storage. */
  readonly status: { readonly member: string; readonly epoch: Epoch | undefined };
  /** For whoever receives the messages of peers: answers those that are about this board, see `createStrongPeer`. @throws {InvalidInputError} nothing has changed. */
  answer(from: PeerIdentity, message: Uint8Array): Promise<Uint8Array>;
  /**
   * Makes these hubs the members, each with the storage it has now: so one that has lost its storage is admitted again, under the name it has. A majority of the
   * members before must be there. What fails half-way is gone on with by whoever needs it.
   *
   * @throws {InvalidInputError} without `epochs`. @throws {UnavailableError} when it is not done before `signal` aborts.
   */
  changeMembers(names: readonly string[], options: { readonly signal: AbortSignal }): Promise<void>;
}

/**
 * Opens the registers of a board that majorities keep. Linearizable as long as disks keep what they acknowledged and a hub's name is used by one process at a
 * time; clocks decide nothing. Keys that were deleted keep their place: who forgot them could not tell an old write from a new one.
 *
 * @throws {NotDurableError} when the store may lose what it acknowledged. @throws {UnavailableError} when it fails.
 */
export async function createQuorumStore(options: QuorumStoreOptions): Promise<QuorumStore> {
  const { name, board, members: names, store, links, place = '', epochs: record, ids = randomIds, resendMs = 250, takeOverMs = 2_000 } = options;
  const limits: RegisterLimits = { maxKeyLength: options.maxKeyLength ?? 1_024, maxValueLength: options.maxValueLength ?? 1_048_576, maxDepth: 64 };
  checkMembers(names);
  if (options.allowVolatile !== true) {
    requireDurable(store, `the strong level of the board ${JSON.stringify(board)}`);
    if (record !== undefined) requireDurable(record, `the record of the members of the board ${JSON.stringify(board)}`);
  }

  const log = await MemberLog.open({ journal: store, stream: `blackboard/${encodeURIComponent(name)}/strong/${encodeURIComponent(board)}`, place, ids });
  const listeners = createKeyListeners();
  const closing = new AbortController();
  const senderTo = createPeerSenders({ board, links });
  const send: SendToMember = async (to, request, signal) => {
    if (to.name === name) return member.answer(request);
    return decodeAnswer(await senderTo(to.name).send(encodeRequest(board, request), signal), limits);
  };
  const epochs: Epochs =
    record === undefined
      ? createFixedEpochs({ name, names, log, send, resendMs })
      : createRecordedEpochs({ record, board, names, log, send, resendMs, takeOverMs, closing: closing.signal });
  const member: QuorumMember = new QuorumMember({ log, fits: epochs.fits, learn: epochs.learn, onChange: listeners.tell });
  const answer = createPeerAnswers({ board, member, limits });
  const registers = new QuorumRegisters({ epochs, send, resendMs });

  /** A call ends when its own signal or the board's end says so. */
  const call = <T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    closing.signal.aborted ? Promise.reject(new ClosedError('the board is closed')) : withEither([signal, closing.signal], work);

  const write = async (given: StrongWrite, signal: AbortSignal): Promise<StrongReading> => {
    const json = checkWrite(given, limits);
    const { key, writer, time } = given;
    const number = await registers.nextNumber(key, signal);
    const register: Register = { key, tag: { number, write: ids('write') }, json, writer, replica: name, time };
    try {
      await registers.store(register, signal);
    } catch (error) {
      if (!MeshworkError.isInstance(error) || error.code !== 'UNAVAILABLE') throw error;
      throw new UnknownOutcomeError(
        `the write of ${JSON.stringify(key)} may have happened: ${error.message.replace('try again later', 'read before trying again')}`,
        {
          cause: error,
          ...(error.details && { details: error.details }),
        },
      );
    }
    return readingOf(register, limits);
  };

  return {
    hasCompareAndSet: false,
    get status() {
      return { member: log.state.id, epoch: log.state.epoch };
    },
    async answer(_from, message) {
      if (closing.signal.aborted) throw new ClosedError('the board is closed');
      return answer(message);
    },
    read: (key, { signal }) =>
      call(signal, async (until) => {
        checkKey(key, limits);
        const register = await registers.read(key, until);
        return register && readingOf(register, limits);
      }),
    write: (given, { signal }) => call(signal, (until) => write(given, until)),
    compareAndSet: () =>
      Promise.reject(
        new InvalidInputError(
          'a board kept by a quorum has no compare-and-set; give the board a strong store of its own on PostgreSQL or NATS (createKeyValueStrongStore)',
        ),
      ),
    list: (prefix, { signal, after, limit = Number.POSITIVE_INFINITY }) =>
      call(signal, async (until) => {
        checkPrefix(prefix);
        const found: StrongReading[] = [];
        for (let from = after; found.length < limit; ) {
          const page = await registers.page(prefix, from, { limit: Math.min(1_000, Math.max(10, limit - found.length)), signal: until });
          found.push(...page.registers.filter(({ json }) => json !== undefined).map((register) => readingOf(register, limits)));
          if (page.until === undefined) break;
          from = page.until;
        }
        return found.slice(0, limit);
      }),
    onChange: listeners.add,
    changeMembers: (next, { signal }) =>
      call(signal, async (until) => {
        checkMembers(next);
        await epochs.change(next, until);
      }),
    async close() {
      closing.abort(new ClosedError('the board is closed'));
      listeners.clear();
      await log.close();
    },
  };
}
