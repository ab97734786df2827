import { describeRestarts, workThroughRestarts } from '@meshwork/testing';
import { expect, it } from 'vitest';
import { createMortalStore, type Flaw } from './mortal-store.ts';

describeRestarts('mortal memory', async () => createMortalStore('none'), { rounds: 5 });

const flaws: readonly [Flaw, RegExp][] = [
  ['forgets a put', /after a write of \d+ that was not-done|failed in no stated way|is \d+ at the end/],
  ['denies what it did', /that was not-done; it was|was said not to be appended/],
  ['does what it denied', /that was not-done; it was|was said not to be appended/],
  ['retries blindly', /was acknowledged at|is not one whole pair/],
  ['tears an append', /was acknowledged at|is not one whole pair/],
  ['skips a change', /a watcher of .* saw \d+ after \d+|watchers stand at/],
  ['repeats a record', /a follower saw offset/],
];

it.each(flaws)('finds a driver that %s', async (flaw, fault) => {
  const engine = createMortalStore(flaw);
  const { faults } = await workThroughRestarts(engine, { rounds: 4 });
  expect(faults.join('\n')).toMatch(fault);
  await engine.store.close();
});
