import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeWhole } from '../../src/exchange/take-whole.ts';
import { type BoardState, createBoardState, type Delta, type VersionVector } from '../../src/index.ts';
import type { Replica } from '../../src/replica/replica.ts';
import { differingBuckets, isAmong } from '../../src/state/buckets.ts';

let time = 0;
const stamp = () => ({ time: ++time, writer: 'w' });

/** A replica without a disk. */
function hold(state: BoardState): Replica {
  return {
    state,
    time: { next: () => ++time },
    merge: async (given: Delta | ((state: BoardState) => Delta | undefined)) => {
      const delta = typeof given === 'function' ? given(state) : given;
      return delta === undefined ? [] : state.merge(delta);
    },
  } as unknown as Replica;
}

/** Everything of one state in another one. */
function flow(from: BoardState, to: BoardState): void {
  to.merge(from.deltaSince(to.context.vector).delta);
}

/** One compares with a peer; what is done `between` happens after the comparison and before what differs is pulled, and `late` before it is merged. */
async function takeFrom(peer: BoardState, mine: BoardState, { between = () => {}, late = () => {} }: { between?: () => void; late?: () => void } = {}) {
  const { vector, cloud } = mine.context;
  const moment = { replica: mine.replica, context: { vector, cloud }, sums: mine.summary(1_024) };
  const upTo = peer.context.vector;
  const buckets = differingBuckets(moment.sums, peer.summary(1_024));
  between();
  const { delta } = peer.deltaSince(new Map(), { among: { buckets, seen: vector } });
  late();
  await takeWhole(hold(mine), { delta, moment, buckets, upTo }, 'repair');
  return { buckets, delta, upTo };
}

/** A peer and a replica with the same hundred keys, of which the replica was told by the peer. */
function twoWith(keys = 100): { peer: BoardState; mine: BoardState } {
  const [peer, mine] = [createBoardState({ replica: 'peer' }), createBoardState({ replica: 'mine' })];
  for (let at = 0; at < keys; at++) peer.set(`key/${at}`, at, stamp());
  flow(peer, mine);
  return { peer, mine };
}

const everything = (): VersionVector => new Map([['peer', 1e9]]);

describe('what two hubs have compared', () => {
  it('is brought where it differs, and nowhere else', async () => {
    const { peer, mine } = twoWith();
    peer.set('key/7', 'new', stamp());
    const { delta, buckets } = await takeFrom(peer, mine);
    expect(delta.entries.map(({ key }) => key)).toEqual(['key/7']);
    expect(Array.from({ length: 100 }, (_, at) => `key/${at}`).filter((key) => isAmong(buckets, key))).toContain('key/7');
    expect(mine.digest()).toBe(peer.digest());
    expect([...mine.context.vector]).toEqual([...peer.context.vector]);
  });

  it('says of equal buckets nothing that came after the comparison', async () => {
    const { peer, mine } = twoWith();
    peer.set('key/7', 'new', stamp());
    const { upTo } = await takeFrom(peer, mine, { between: () => void peer.set('key/8', 'later', stamp()) });
    expect([...mine.context.vector]).toEqual([...upTo]);
    flow(peer, mine);
    expect(mine.read('key/8')?.value).toBe('later');
    expect(mine.digest()).toBe(peer.digest());
  });

  it('deletes what the peer has forgotten, and lets stand what it never saw', async () => {
    const { peer, mine } = twoWith();
    mine.set('own', 1, stamp());
    peer.delete('key/7', stamp());
    peer.collect(everything());
    await takeFrom(peer, mine);
    expect(mine.read('key/7')?.value).toBeUndefined();
    expect(mine.size).toBe(100);
    expect(mine.read('own')?.value).toBe(1);
    flow(mine, peer);
    expect(peer.digest()).toBe(mine.digest());
  });

  it('keeps what is written here in the meantime, in equal buckets and in others', async () => {
    const { peer, mine } = twoWith();
    peer.set('key/7', 'new', stamp());
    await takeFrom(peer, mine, {
      between: () => void mine.set('key/7', 'mine', stamp()),
      late: () => void [mine.set('key/8', 'mine', stamp()), mine.delete('key/9', stamp()), mine.set('fresh', 1, stamp())],
    });
    flow(mine, peer);
    flow(peer, mine);
    expect(mine.digest()).toBe(peer.digest());
    expect(mine.versionsOf('key/7').map(({ value }) => value)).toEqual(['mine', 'new']);
    expect([mine.read('key/8')?.value, mine.read('key/9')?.value, mine.read('fresh')?.value]).toEqual(['mine', undefined, 1]);
  });

  it('brings deletions of equal buckets, with what they superseded', async () => {
    const { peer, mine } = twoWith(3);
    const third = createBoardState({ replica: 'third' });
    const early = third.set('x', 1, stamp());
    third.set('y', 1, stamp());
    third.set('x', 2, stamp());
    // The peer has of the third only x, and deletes it: neither has anything live there, and its vector does not have the third's writes.
    peer.merge(third.deltaSince(new Map([['third', 2]])).delta);
    peer.delete('x', stamp());
    await takeFrom(peer, mine);
    for (const state of [mine, peer]) {
      state.merge(early);
      expect(state.read('x')?.value).toBeUndefined();
    }
    expect(mine.digest()).toBe(peer.digest());
  });

  it('is not taken when something came since that the peer has seen and forgotten', async () => {
    const { peer, mine } = twoWith(3);
    const third = createBoardState({ replica: 'third' });
    const write = third.set('x', 1, stamp());
    peer.merge(write);
    peer.delete('x', stamp());
    peer.collect(new Map([...everything(), ['third', 1]]));
    const before = [...mine.context.vector];
    await expect(takeFrom(peer, mine, { late: () => void mine.merge(write) })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect([...mine.context.vector]).toEqual([...before, ['third', 1]]);
    // The next comparison sees it.
    await takeFrom(peer, mine);
    expect(mine.read('x')?.value).toBeUndefined();
  });

  it('is not taken under another name, nor when it ends too early', async () => {
    const { peer, mine } = twoWith(3);
    const { delta, buckets } = await takeFrom(peer, mine);
    const moment = { replica: 'mine', context: mine.context, sums: mine.summary(1_024) };
    const digest = mine.digest();
    const renamed = { ...moment, replica: 'another' };
    await expect(takeWhole(hold(mine), { delta, moment: renamed, buckets, upTo: peer.context.vector }, 'r')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const upTo = new Map([['peer', 1_000]]);
    await expect(takeWhole(hold(mine), { delta, moment, buckets, upTo }, 'r')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(mine.digest()).toBe(digest);
  });

  it('leaves both equal, and all that is written here and unseen there, whatever happened before, between and after', async () => {
    const work = fc.record({
      by: fc.constantFrom('peer', 'mine'),
      key: fc.nat(9),
      kind: fc.constantFrom('set', 'delete', 'add', 'remove', 'count', 'collect'),
    });
    const works = fc.array(work, { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(works, works, works, works, fc.boolean(), async (shared, away, between, late, isAway) => {
        const { peer, mine } = twoWith(5);
        const run = (some: typeof shared) => {
          for (const { by, key, kind } of some) {
            const state = by === 'peer' ? peer : mine;
            if (kind === 'set') state.set(`key/${key}`, time, stamp());
            else if (kind === 'delete') state.delete(`key/${key}`, stamp());
            else if (kind === 'add') state.add('tags', key, stamp());
            else if (kind === 'remove') state.remove('tags', key, stamp());
            else if (kind === 'count') state.increment('count', key, stamp());
            // Nobody waits for who is away.
            else if (by === 'peer' && isAway) state.collect(state.context.vector);
          }
        };
        run(shared.filter(({ kind }) => kind !== 'collect'));
        flow(mine, peer);
        flow(peer, mine);
        run(away);
        const unseen = mine.deltaSince(peer.context.vector).delta.entries.flatMap(({ versions }) => versions.filter(({ replica }) => replica === 'mine'));
        const seenOfMine = peer.context.vector.get('mine');
        const isCollecting = ({ kind }: (typeof between)[number]) => kind !== 'collect';
        await takeFrom(peer, mine, { between: () => run(between.filter(isCollecting)), late: () => run(late.filter(isCollecting)) });
        const isOverwritten = [...between, ...late].some(({ by }) => by === 'mine');
        for (const { counter, key } of isOverwritten ? [] : unseen.filter((version) => version.counter > (seenOfMine ?? 0))) {
          expect(mine.versionsOf(key).some((version) => version.replica === 'mine' && version.counter === counter)).toBe(true);
        }
        for (let round = 0; round < 2; round++) {
          flow(mine, peer);
          flow(peer, mine);
        }
        expect(mine.digest()).toBe(peer.digest());
      }),
      { numRuns: 1_500 },
    );
  });
});

describe('a summary', () => {
  it('is equal where live versions are, whoever has forgotten which deletions, and differs where they do', () => {
    const { peer, mine } = twoWith();
    mine.delete('key/3', stamp());
    flow(mine, peer);
    mine.collect(new Map([['mine', 9]]));
    expect(mine.versions).toBeLessThan(peer.versions);
    expect(mine.summary(2_048)).toEqual(peer.summary(2_048));
    mine.add('tags', { a: 1 }, stamp());
    const buckets = differingBuckets(mine.summary(2_048), peer.summary(2_048));
    expect(buckets.reduce((bits, byte) => bits + byte.toString(2).replaceAll('0', '').length, 0)).toBe(1);
  });
});
