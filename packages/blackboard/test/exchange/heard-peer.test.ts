import { type Blackboard, createBlackboard, type PeerLink } from '@meshwork/blackboard';
import { type Clock, createMemoryStore, UnavailableError } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';
import { expect, it } from 'vitest';

const board = 'plans';
const SYNC_MS = 100_000;

function openHub(name: string, clock: Clock): Promise<Blackboard> {
  return createBlackboard({ name, place: name, store: createMemoryStore(), boards: { [board]: {} }, allowVolatile: true, clock, syncEveryMs: SYNC_MS });
}

it('a peer that was away is tried soon when it says something by itself', async () => {
  const clock = manualClock();
  await using one = await openHub('one', clock);
  await using two = await openHub('two', clock);
  let isCut = true;
  one.connect(linkTo(one, two, () => isCut));
  const peerOf = async () => (await one.status(board)).peers[0];
  await expect.poll(peerOf).toMatchObject({ isReached: false, reason: 'the cable is cut' });
  isCut = false;
  clock.advance(SYNC_MS / 2);
  await one.board(board).set('a', 1);
  expect(await two.board(board).get('a')).toBeUndefined();
  // Far too early for another try, but for this.
  two.connect(linkTo(two, one, () => false));
  await expect.poll(peerOf).toMatchObject({ isReached: true });
  await one.board(board).set('b', 2);
  await expect.poll(async () => (await two.board(board).get('b'))?.value).toBe(2);
});

it('what a peer has pushed is no exchange with it: only an answer of the peer is', async () => {
  const clock = manualClock();
  await using one = await openHub('one', clock);
  await using two = await openHub('two', clock);
  one.connect(linkTo(one, two, () => false));
  two.connect(linkTo(two, one, () => false));
  const lastOf = async (hub: Blackboard) => (await hub.status(board)).peers[0];
  for (const hub of [one, two]) await expect.poll(() => lastOf(hub)).toMatchObject({ isReached: true });
  clock.advance(5_000);
  await two.board(board).set('a', 1);
  await expect.poll(async () => (await one.board(board).get('a'))?.value).toBe(1);
  await expect.poll(() => lastOf(two)).toMatchObject({ lastExchangeMs: 0 });
  expect(await lastOf(one)).toMatchObject({ lastExchangeMs: 5_000 });
});

function linkTo(from: Blackboard, to: Blackboard, isCut: () => boolean): PeerLink {
  return {
    peer: to.name,
    async request(message) {
      if (isCut()) throw new UnavailableError('the cable is cut');
      return to.peer.answer({ name: from.name }, message);
    },
    send() {},
  };
}
