import { expect, it } from 'vitest';
import { createMoments } from '../../src/exchange/moments.ts';
import { createBoardState } from '../../src/index.ts';
import type { Replica } from '../../src/replica/replica.ts';

it('a moment is told once what it shows is on disk, and not when the replica has another name by then', async () => {
  const disk = Promise.withResolvers<void>();
  const held = { state: createBoardState({ replica: 'r' }), edition: 1, life: 'life', settled: () => disk.promise };
  const moments = createMoments(held as unknown as Replica);
  held.state.set('a', 1, { time: 1, writer: 'w' });
  const [kept, renamed] = [moments.now(1_024), moments.now(1_024)];
  const told: string[] = [];
  void kept.then(() => told.push('moment'));
  // So many turns that whoever does not wait has long answered.
  for (let turn = 0; turn < 20; turn++) await null;
  expect(told).toEqual([]);
  const { state } = held;
  // What is written meanwhile is not in it.
  state.set('b', 1, { time: 2, writer: 'w' });
  disk.resolve();
  const moment = await kept;
  expect([...moment.context.vector]).toEqual([['r', 1]]);
  const comparison = moments.keep(moment);
  expect(moments.of(comparison).replica).toBe('r');
  await renamed;
  const third = moments.now(1_024);
  held.state = createBoardState({ replica: 'another' });
  await expect(third).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(() => moments.of(comparison)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
  expect(() => moments.of('life/2')).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
});
