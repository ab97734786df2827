import { ConflictError, InvalidInputError, UnavailableError } from '@meshwork/core';
import type { CreateOptions, ReadOptions } from '../board.ts';
import type { ChosenLevel, Level } from '../entry.ts';
import type { Levels } from '../levels.ts';
import { RESERVED } from '../replica/members.ts';
import type { Replica } from '../replica/replica.ts';
import type { Creation } from './creation.ts';
import type { LevelRecords } from './level-records.ts';
import { type StrongKeys, withSignal } from './strong-keys.ts';

/** Where a key is kept. */
type Place = { readonly level: 'eventual' | 'session'; readonly strong: undefined } | { readonly level: 'strong'; readonly strong: StrongKeys };

/**
 * Finds where keys are kept: at once, without a promise, wherever a rule fixes the level or this hub knows what was chosen. Else the strong store is asked, and when
 * that is away, nobody guesses.
 */
export interface Places {
  /** `undefined`: nowhere yet. @throws {InvalidInputError} when it is no key. @throws {UnavailableError} when it cannot be told in time. */
  find(key: string, options: ReadOptions): Place | Promise<Place | undefined>;
  /** The same for who may create the key. @throws {ConflictError} when the level that is named is not what was chosen; nothing has changed. */
  create(key: string, options: CreateOptions, creation: Creation): Place | Promise<Place>;
}

export interface PlacesOptions {
  readonly replica: Replica;
  readonly levels: Levels;
  readonly strong: StrongKeys | undefined;
  /** Where writers choose. */
  readonly records: LevelRecords | undefined;
  readonly maxKeyLength: number;
  /** Throws what speaks against a new key, before its level is fixed for good. */
  readonly checkNew: (key: string, level: ChosenLevel, options: CreateOptions) => void;
}

const eventual: Place = { level: 'eventual', strong: undefined };
const session: Place = { level: 'session', strong: undefined };

export function createPlaces({ replica, levels, strong, records, maxKeyLength, checkNew }: PlacesOptions): Places {
  const strongPlace: Place | undefined = strong && { level: 'strong', strong };

  const placeOf = (key: string, level: Level): Place => {
    if (level !== 'strong') return level === 'eventual' ? eventual : session;
    if (strongPlace !== undefined) return strongPlace;
    throw new UnavailableError(`${JSON.stringify(key)} is of level strong, and this hub has nothing to keep such keys in; give it a strong store`);
  };
  const isChosen = (key: string) => levels.of(key) === 'chosen';
  /** As far as is known here. */
  const levelOf = (key: string): Level | undefined => {
    const level = levels.of(key);
    if (level !== 'chosen') return level;
    // Levels never mix: a key that replicas hold versions of, be it of a deletion, is not strong.
    return records?.remembered(key) ?? (replica.state.read(key) === undefined ? undefined : 'eventual');
  };
  const ask = <T>(key: string, options: ReadOptions, work: (records: LevelRecords, signal: AbortSignal) => Promise<T>): Promise<T> => {
    options.signal?.throwIfAborted();
    const late = (why: string, cause: unknown) => new UnavailableError(`the level of ${JSON.stringify(key)} is not known here: ${why}`, { cause });
    if (records === undefined) throw late('this hub has no strong store', undefined);
    return withSignal((signal) => work(records, signal), options, late);
  };
  const fitting = (key: string, present: Level, { level }: CreateOptions, { name, usual, isOnlyUsual }: Creation): Place => {
    if (level !== undefined && level !== present) throw isChosen(key) ? chosenOtherwise(key, present) : ruledOtherwise(key, present);
    if (isOnlyUsual && (usual === 'strong') !== (present === 'strong')) throw notFor(name, key, present, isChosen(key));
    return placeOf(key, present);
  };
  const asked = async (key: string, options: ReadOptions): Promise<Place | undefined> => {
    const level = await ask(key, options, (store, signal) => store.find(key, signal));
    return level && placeOf(key, level);
  };
  const chosen = async (key: string, options: CreateOptions, creation: Creation): Promise<Place> => {
    const wanted = options.level ?? creation.usual;
    if (wanted !== 'eventual' && wanted !== 'strong') throw noChoice(wanted);
    if (creation.isOnlyUsual && wanted !== creation.usual) throw notFor(creation.name, key, wanted, true);
    const level = await ask(key, options, async (store, signal) => {
      const found = await store.find(key, signal);
      if (found !== undefined) return found;
      checkNew(key, wanted, options);
      return store.choose(key, wanted, signal);
    });
    return fitting(key, level, options, creation);
  };

  return {
    find(key, options) {
      checkKey(key, maxKeyLength);
      const level = levelOf(key);
      return level === undefined ? asked(key, options) : placeOf(key, level);
    },
    create(key, options, creation) {
      checkKey(key, maxKeyLength);
      const level = levelOf(key);
      return level === undefined ? chosen(key, options, creation) : fitting(key, level, options, creation);
    },
  };
}

/** @throws {InvalidInputError} when it is no key of a board. */
export function checkKey(key: string, maxKeyLength: number): void {
  if (typeof key !== 'string' || !key.isWellFormed() || key.length > maxKeyLength || key.startsWith(RESERVED))
    throw new InvalidInputError(`a key is a well-formed text of at most ${maxKeyLength} characters that does not begin with NUL; take another one`);
}

/** An operation that merges, on a key that does not. */
export function notForStrong(name: string, key: string): InvalidInputError {
  return new InvalidInputError(
    `${name} is not for keys of level strong, as ${JSON.stringify(key)} is; write it with compareAndSet, or take a key of another level`,
  );
}

function noChoice(level: never): InvalidInputError {
  return new InvalidInputError(
    `a key cannot be given the level ${JSON.stringify(level)}; choose eventual or strong. A session reads keys of level eventual too: session(token)`,
  );
}

function chosenOtherwise(key: string, level: Level): ConflictError {
  return new ConflictError(`${JSON.stringify(key)} is of level ${level}, as its first write chose for good; name that level or none, or take another key`, {
    details: { key, level },
  });
}

function ruledOtherwise(key: string, level: Level): InvalidInputError {
  return new InvalidInputError(`${JSON.stringify(key)} is of level ${level} by a rule of the board, so nobody can choose another; leave level out`);
}

function notFor(name: string, key: string, level: Level, isChosen: boolean): InvalidInputError {
  if (level === 'strong') return notForStrong(name, key);
  const advice = isChosen ? 'take a new key, with the level strong' : 'give it the level strong by a rule of the board';
  return new InvalidInputError(`${JSON.stringify(key)} is of level ${level}, where two hubs would both succeed; ${advice}`);
}
