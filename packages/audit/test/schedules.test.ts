import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Played, play, type Schedule } from './support/log-schedule.ts';

const SCHEDULES = 250;

/** Plays schedules by chance; a failure prints the seed that plays it again. */
function playMany(kind: (draw: Schedule['draw']) => Omit<Schedule, 'draw'>, check: (played: Played) => void): Promise<void> {
  const schedule = fc.gen().map((g) => {
    const draw = (max: number) => g(fc.nat, { max });
    return { draw, ...kind(draw) };
  });
  return fc.assert(
    fc.asyncProperty(schedule, async (each) => void check(await play(each))),
    { numRuns: SCHEDULES, endOnFailure: true },
  );
}

function isWhole({ answered, recorded, isAlive }: Played): void {
  const counts = new Map<string, number>();
  for (const id of recorded) counts.set(id, (counts.get(id) ?? 0) + 1);
  expect(answered.filter((id) => counts.get(id) !== 1)).toEqual([]);
  expect(new Set(recorded).size).toBe(recorded.length);
  expect(isAlive).toBe(true);
}

describe('whatever the journal does, and whenever it answers', () => {
  it('one chain of several hubs holds, and every answered call is in it once', async () => {
    const ends = { answered: 0, refused: 0 };
    await playMany(
      (draw) => ({ hubs: 1 + draw(3), isExclusive: false, isOrdered: draw(1) === 0, isHonest: false }),
      (played) => {
        expect(played.problem).toBeUndefined();
        isWhole(played);
        ends.answered += played.answered.length;
        ends.refused += played.calls - played.answered.length;
      },
    );
    // Chance has tried both.
    expect(ends.answered).toBeGreaterThan(1_000);
    expect(ends.refused).toBeGreaterThan(100);
  });

  it('that of a hub which has its journal to itself holds as well', async () => {
    await playMany(
      (draw) => ({ hubs: 1, isExclusive: true, isOrdered: draw(3) > 0, isHonest: true }),
      (played) => {
        expect(played.problem).toBeUndefined();
        isWhole(played);
      },
    );
  });

  it('no such hub is told of a stranger where there is none', async () => {
    await playMany(
      () => ({ hubs: 1, isExclusive: true, isOrdered: true, isHonest: true }),
      ({ errors }) => expect(errors).toEqual([]),
    );
  });

  it('hubs that wrongly believe to be alone lose no record, tell of it, and from then on break the chain no further', async () => {
    let told = 0;
    let broken = 0;
    await playMany(
      () => ({ hubs: 2, isExclusive: true, isOrdered: true, isHonest: true, isSteady: true }),
      (played) => {
        isWhole(played);
        if (played.problem !== undefined) broken += 1;
        told += played.errors.length;
        if (played.problem !== undefined) expect(played.errors).not.toEqual([]);
        expect(played.brokenSinceTold).toBe(0);
      },
    );
    expect(told).toBeGreaterThan(0);
    expect(broken).toBeGreaterThan(0);
  });
});
