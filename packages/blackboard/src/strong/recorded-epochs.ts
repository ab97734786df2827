import { type KeyValueStore, UnavailableError } from '@meshwork/core';
import { askMembers, type SendToMember } from './ask-members.ts';
import { bringOver } from './bring-over.ts';
import { epochOf, type Member } from './epoch.ts';
import { createEpochRecords, type EpochRecord } from './epoch-record.ts';
import { type Epochs, unknownMembers } from './epochs.ts';
import type { MemberLog } from './member-log.ts';
import { patientlyUntil, waitUntil } from './wait-until.ts';

export interface RecordedEpochsOptions {
  readonly record: KeyValueStore;
  readonly board: string;
  /** The members of the first epoch. */
  readonly names: readonly string[];
  readonly log: MemberLog;
  readonly send: SendToMember;
  readonly resendMs: number;
  readonly takeOverMs: number;
  /** Aborts when the board is closed. */
  readonly closing: AbortSignal;
}

/** How long hubs may take to say which storage they have, when the one they had is known. */
const GREETING_MS = 2_000;
/** How long one try to complete a change may take. */
const COMPLETING_MS = 30_000;

/**
 * Epochs that follow one another by compare-and-set on one record (after Lynch and Shvartsman 2002, with an existing store in the place of consensus): the record names
 * the next members; a majority of the present ones is frozen; what they have is brought to a majority of the next; the record names the next epoch. Whoever
 * finds a change that rests goes on with it: each step may be done twice.
 */
export function createRecordedEpochs({ record: store, board, names, log, send, resendMs, takeOverMs, closing }: RecordedEpochsOptions): Epochs {
  const records = createEpochRecords(store, board);
  const known = () => log.state.epoch;
  const isLater = ({ epoch }: EpochRecord) => epoch.number > (known()?.number ?? 0);

  const keep = async (found: EpochRecord): Promise<void> => {
    if (isLater(found)) await log.append([{ kind: 'epoch', epoch: found.epoch, isFormed: true }]);
    else if (found.epoch.number < (known()?.number ?? 0))
      throw new UnavailableError(`the record of members of the board ${JSON.stringify(board)} has gone back to an earlier epoch; restore its store`);
  };
  const lookUp = async (): Promise<EpochRecord | undefined> => {
    const found = await records.read();
    if (found === undefined && known() !== undefined)
      throw new UnavailableError(`the record of members of the board ${JSON.stringify(board)} is gone; restore its store`);
    if (found !== undefined) await keep(found);
    return found;
  };
  let looking: Promise<EpochRecord | undefined> | undefined;
  /** Once at a time: peers who ask for epochs that nobody knows do not make the store busy. */
  const learn = (): Promise<EpochRecord | undefined> => {
    looking ??= lookUp().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  /** The storage that hubs have now, of those who say so. */
  const greet = async (hubs: readonly string[], wanted: number, signal: AbortSignal): Promise<ReadonlyMap<string, string>> => {
    const answers = await askMembers(unknownMembers(hubs), { send, resendMs, signal, wanted, requestFor: () => ({ kind: 'hello' }) });
    return new Map([...(answers ?? [])].flatMap(([{ name }, answer]) => (answer.kind === 'member' ? [[name, answer.id]] : [])));
  };
  const begin = async (signal: AbortSignal): Promise<void> => {
    const ids = await greet(names, names.length, signal);
    const members = names.map((name) => ({ name, id: ids.get(name) ?? '' }));
    await records.replace({ epoch: epochOf(1, members), next: undefined, revision: 0 });
  };
  const complete = async ({ epoch, next, revision }: EpochRecord, signal: AbortSignal): Promise<void> => {
    if (next === undefined) return;
    const opened = epochOf(epoch.number + 1, next);
    await bringOver({ from: epoch, to: opened, send, resendMs, signal });
    await records.replace({ epoch: opened, next: undefined, revision });
    await learn();
  };
  let settling: Promise<void> | undefined;
  /** Leaves the change to whoever has begun it, for a while; then goes on with it. Once at a time, for all who wait. */
  const settle = (found: EpochRecord): Promise<void> => {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(COMPLETING_MS)]);
    settling ??= (async () => {
      await waitUntil(takeOverMs, signal);
      const present = await records.read();
      if (present?.revision === found.revision) await complete(present, signal);
    })().finally(() => {
      settling = undefined;
    });
    return settling;
  };
  const isSettled = async (found: EpochRecord, signal: AbortSignal): Promise<boolean> => {
    await Promise.race([settle(found).catch(() => {}), waitUntil(takeOverMs * 3, signal)]);
    return (await records.read())?.revision !== found.revision;
  };
  const nextOf = async ({ epoch }: EpochRecord, wanted: readonly string[], signal: AbortSignal): Promise<readonly Member[]> => {
    const before = new Map(epoch.members.map(({ name, id }) => [name, id]));
    const patience = AbortSignal.any([signal, AbortSignal.timeout(GREETING_MS)]);
    const said = await greetAll(wanted, patience);
    return wanted.map((name) => {
      const id = said.get(name) ?? before.get(name);
      if (id === undefined) throw new UnavailableError(`the hub ${JSON.stringify(name)} does not answer; it can become a member when it is there`);
      return { name, id };
    });
  };
  const greetAll = async (hubs: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> => {
    const said = await Promise.all(hubs.map((hub) => greet([hub], 1, signal).catch(() => new Map<string, string>())));
    return new Map(said.flatMap((each) => [...each]));
  };

  const agree = <T>(signal: AbortSignal, work: () => Promise<T | undefined>): Promise<T> => patientlyUntil(signal, resendMs, work, notAgreed);

  return {
    fits: undefined,
    learn: async () => void (await learn()),
    current: (signal) =>
      agree(signal, async () => {
        if (known() === undefined && (await learn()) === undefined) await begin(signal);
        return known();
      }),
    after: (over, signal) =>
      agree(signal, async () => {
        const found = await learn();
        if (found?.next !== undefined && found.epoch.number === over.number) await settle(found);
        const present = known();
        return present !== undefined && present.number > over.number ? present : undefined;
      }),
    async change(wanted, signal) {
      await agree(signal, async () => {
        const found = await learn();
        if (found === undefined) {
          await begin(signal);
          return undefined;
        }
        // A change that nobody can complete, for its members are gone, gives way to this one.
        if (found.next !== undefined && (await isSettled(found, signal))) return undefined;
        const next = epochOf(0, await nextOf(found, wanted, signal)).members;
        if (found.next === undefined && JSON.stringify(next) === JSON.stringify(found.epoch.members.map(({ name, id }) => ({ name, id })))) return found.epoch;
        await records.replace({ ...found, next });
        const changing = await records.read();
        if (changing?.epoch.number === found.epoch.number) await complete(changing, signal);
        return undefined;
      });
    },
  };
}

function notAgreed(failure: unknown): UnavailableError {
  const why = failure instanceof Error ? failure.message : 'it took too long';
  return new UnavailableError(`the board's members could not be agreed on in time (${why}); try again later`, { cause: failure });
}
