import { type Clock, createTeller, type IdSource, InvalidInputError, NotFoundError, randomIds, requireDurable, type Store, systemClock } from '@meshwork/core';
import type { Blackboard, BlackboardEvents, BoardSettings } from './blackboard.ts';
import { boardOf } from './exchange/message.ts';
import { type OpenBoard, openBoard } from './open-board.ts';
import type { PeerHandler, PeerLink } from './peer-link.ts';
import type { StrongStore } from './strong/strong-store.ts';

export interface BlackboardOptions {
  /** This hub's name: nobody else's among its peers, and the same after a restart. Hubs of different names can share a store. */
  readonly name: string;
  /** What its streams in the store are named by: where it differs, there are other boards. Default the name; a hub that has a store for itself can change its name with a fixed one. */
  readonly space?: string;
  /** Where the boards are kept. @see allowVolatile */
  readonly store: Store;
  /** By name. */
  readonly boards: Readonly<Record<string, BoardSettings>>;
  /**
   * What tells this copy of the store from others: of a file, the machine and the path. When it is another one than before, the store was copied, and the hub goes on as
   * a new replica. Of a database on a server: a text that stays the same.
   */
  readonly place: string;
  /**
   * Keeps the keys of level `strong` of a board, and what writers chose. Needed where a board may have such keys; where they choose, one with compare-and-set. All hubs
   * of a board need the same. Closed with the blackboard.
   */
  readonly strong?: (board: string) => StrongStore;
  /** Gets the messages of peers that are about level `strong`. */
  readonly strongPeer?: PeerHandler;
  /** Allows a store that may lose what it acknowledged. For tests and trials: a hub that lost writes takes a new name as soon as a peer tells it so, and until then others may miss some. */
  readonly allowVolatile?: boolean;
  /** Milliseconds between two exchanges with a peer, when nothing is written; about. Default 1,000. */
  readonly syncEveryMs?: number;
  /** Milliseconds until a peer's answer is given up. Default 10,000. */
  readonly requestTimeoutMs?: number;
  /** Milliseconds of silence after which nobody waits for a hub before deletions are forgotten. Default 7 days. */
  readonly maxAbsenceMs?: number;
  /** Milliseconds for which it is kept that a replica was forgotten: whoever was away for longer may bring back what others deleted. Default 52 times `maxAbsenceMs`. */
  readonly forgottenMs?: number;
  /** Bytes of a board's log from which on a snapshot takes its place. Default 1 MiB. */
  readonly minLogBytes?: number;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** A number from 0 to 1, so that hubs do not all exchange at one moment. Default `Math.random`. */
  readonly random?: () => number;
  /** Gets what goes wrong and concerns no caller. Default: it is dropped. */
  readonly onError?: (error: unknown) => void;
}

/** Kinds of messages from here on are about level strong. */
const STRONG_KINDS = 0x40;
const MAX_NAME = 200;

/**
 * Opens the boards of a hub: replicated, on disk, at three levels of consistency.
 * @throws {NotDurableError} when the store may lose what it acknowledged, {@link InvalidInputError} when a setting cannot be.
 */
export async function createBlackboard(options: BlackboardOptions): Promise<Blackboard> {
  const {
    name,
    space = name,
    store,
    boards: settings,
    place,
    strong,
    strongPeer,
    clock = systemClock,
    ids = randomIds,
    random = Math.random,
    syncEveryMs = 1_000,
    requestTimeoutMs = 10_000,
    maxAbsenceMs = 7 * 86_400_000,
    forgottenMs = 52 * maxAbsenceMs,
    minLogBytes = 1_048_576,
    onError = () => {},
  } = options;
  checkName('a blackboard', name);
  checkName('the space of a blackboard', space);
  for (const board of Object.keys(settings)) checkName('a board', board);
  if (options.allowVolatile !== true) requireDurable(store, 'the blackboard');
  const teller = createTeller<BlackboardEvents>(onError);
  const common = { hub: name, space, store, place, clock, ids, random, syncEveryMs, requestTimeoutMs, maxAbsenceMs, forgottenMs, minLogBytes, teller, onError };
  const open = new Map<string, OpenBoard>();
  let isClosed: Promise<void> | undefined;
  const close = () => {
    isClosed ??= Promise.all([...open.values()].map((board) => board.close())).then(() => teller.close());
    return isClosed;
  };
  try {
    for (const [board, boardSettings] of Object.entries(settings)) {
      open.set(board, await openBoard({ ...common, name: board, settings: boardSettings, strong: usesStrong(boardSettings) ? strong?.(board) : undefined }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const find = (board: string): OpenBoard => {
    const found = open.get(board);
    if (found === undefined)
      throw new NotFoundError(`there is no board ${JSON.stringify(board)} at ${JSON.stringify(name)}; its boards are ${[...open.keys()].join(', ')}`);
    return found;
  };
  const isStrong = (message: Uint8Array) => (message[1] ?? 0) >= STRONG_KINDS;

  return {
    name,
    events: teller.events,
    boards: [...open.keys()],
    board: (board) => find(board).board,
    status: (board) => find(board).status(),
    peer: {
      async answer(from, message) {
        if (!isStrong(message)) return find(boardOf(message)).answer(from.name, message);
        if (strongPeer === undefined) throw new InvalidInputError('a message is about keys of level strong, which this hub does not keep for its peers');
        return strongPeer.answer(from, message);
      },
      hear(from, message) {
        if (isStrong(message)) strongPeer?.hear(from, message);
      },
    },
    connect(link: PeerLink) {
      const ends = [...open.values()].map((board) => board.connect(link));
      return () => {
        for (const end of ends) end();
      };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function usesStrong({ level, rules = [] }: BoardSettings): boolean {
  return [level, ...rules.map((rule) => rule.level)].some((each) => each === 'strong' || each === 'chosen');
}

function checkName(what: string, name: string): void {
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME || !name.isWellFormed()) {
    throw new InvalidInputError(`the name of ${what} is a well-formed text of 1 to ${MAX_NAME} characters, not ${JSON.stringify(name)}`);
  }
}
