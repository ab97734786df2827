import { type Blackboard, createBlackboard, type PeerLink } from '@meshwork/blackboard';
import { createMemoryStore, UnavailableError } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';
import { expect, it } from 'vitest';

const board = 'plans';
const SYNC_MS = 100_000;

it('a peer that was away is tried soon when it says something by itself', async () => {
  const clock = manualClock();
  const open = (name: string) =>
    createBlackboard({ name, place: name, store: createMemoryStore(), boards: { [board]: {} }, allowVolatile: true, clock, syncEveryMs: SYNC_MS });
  await using one = await open('one');
  await using two = await open('two');
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
