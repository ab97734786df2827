import { InvalidInputError, UnavailableError } from '@meshwork/core';
import { askMembers, type Granted, type SendToMember } from './ask-members.ts';
import { type Epoch, epochOf, isMark, type Member, markOf } from './epoch.ts';
import { type Epochs, namesOf, unknownMembers } from './epochs.ts';
import type { MemberLog } from './member-log.ts';

export interface FixedEpochsOptions {
  /** This hub's. */
  readonly name: string;
  /** The members'. */
  readonly names: readonly string[];
  readonly log: MemberLog;
  readonly send: SendToMember;
  readonly resendMs: number;
}

/**
 * One epoch for ever, of the hubs that the configuration names. It is formed when every one of them has written down the same ids; until then nothing is
 * read or written. From then on a majority is enough, and a hub that has lost its storage is no member any more.
 */
export function createFixedEpochs({ name: own, names, log, send, resendMs }: FixedEpochsOptions): Epochs {
  const configured = namesOf(unknownMembers(names));
  const fits = (epoch: Epoch) => epoch.number === 1 && namesOf(epoch.members) === configured;

  const greet = (offer: { readonly epoch?: Epoch; readonly isFormed?: boolean }, signal: AbortSignal) =>
    askMembers(unknownMembers(names), {
      send,
      requestFor: () => ({ kind: 'hello', ...offer }),
      wanted: names.length,
      settles: (answer) => answer.kind === 'member' && answer.isFormed,
      resendMs,
      signal,
    });
  const keep = async (epoch: Epoch): Promise<Epoch> => {
    await log.append([{ kind: 'epoch', epoch, isFormed: true }]);
    // This hub's new storage may have written down other members, when it had just lost the old one.
    if (log.state.epoch !== undefined) checkAcceptance(epoch, { name: own, id: log.state.id, theirs: log.state.epoch });
    return epoch;
  };
  const form = async (signal: AbortSignal): Promise<Epoch> => {
    const met = metBy(await greet({}, signal));
    const formed = [...met.values()].find(({ epoch, isFormed }) => isFormed && epoch !== undefined)?.epoch;
    if (formed !== undefined) return keep(checked(formed));
    const begun = log.state.epoch ?? [...met.values()].find(({ epoch }) => epoch !== undefined)?.epoch;
    const epoch = checked(
      begun ??
        epochOf(
          1,
          [...met].map(([{ name }, { id }]) => ({ name, id })),
        ),
    );
    const accepted = metBy(await greet({ epoch }, signal));
    const settled = [...accepted.values()].find((answer) => answer.isFormed)?.epoch;
    if (settled !== undefined) return keep(checked(settled));
    for (const [{ name }, { id, epoch: theirs }] of accepted) checkAcceptance(epoch, { name, id, theirs });
    const kept = await keep(epoch);
    // So that the others can go on when this hub is away; who misses it is told by the first request.
    greet({ epoch, isFormed: true }, AbortSignal.timeout(resendMs * 4)).catch(() => {});
    return kept;
  };
  const checked = (epoch: Epoch): Epoch => {
    if (fits(epoch)) return epoch;
    throw new UnavailableError(
      `the board's registers are kept by ${namesOf(epoch.members)} and this hub is set up with ${configured}; give all hubs the same members, or use \`epochs\` to change them`,
    );
  };

  return {
    fits,
    async current(signal) {
      const { epoch, isFormed } = log.state;
      return epoch !== undefined && isFormed ? checked(epoch) : form(signal);
    },
    after: () => Promise.reject(new UnavailableError('a member says that its members have changed, and here they are fixed; set up all hubs the same way')),
    learn: async () => {},
    change: () =>
      Promise.reject(new InvalidInputError('the members of this board are fixed; give `epochs`, a KeyValueStore on PostgreSQL or NATS, to change them')),
  };
}

type Met = Extract<Granted, { kind: 'member' }>;

function metBy(answers: ReadonlyMap<Member, Granted> | undefined): Map<Member, Met> {
  return new Map([...(answers ?? [])].flatMap(([member, answer]) => (answer.kind === 'member' ? [[member, answer]] : [])));
}

function checkAcceptance(epoch: Epoch, { name, id, theirs }: { readonly name: string; readonly id: string; readonly theirs: Epoch | undefined }): void {
  if (theirs !== undefined && isMark(markOf(theirs), markOf(epoch))) return;
  const hasLost = epoch.members.some((member) => member.name === name && member.id !== id);
  const why = hasLost ? 'has lost its storage since the members were written down' : 'has written down other members';
  throw new UnavailableError(
    `the hub ${JSON.stringify(name)} ${why}, so that the board cannot be formed; use \`epochs\`, or remove what all hubs have kept of its strong level`,
    { details: { member: name } },
  );
}
