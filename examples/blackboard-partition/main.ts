// Three hubs share a board; one is cut off, both sides go on writing, and when the cable is mended nothing is lost.
import assert from 'node:assert/strict';
import { type Blackboard, createBlackboard } from '@meshwork/blackboard';
import { createMemoryStore } from '@meshwork/core';
import { connectAll } from './network.ts';

const names = ['oslo', 'lima', 'pune'] as const;
const open = (name: string) => createBlackboard({ name, place: name, store: createMemoryStore(), boards: { main: {} }, allowVolatile: true, syncEveryMs: 50 });
const [oslo, lima, pune] = (await Promise.all(names.map(open))) as [Blackboard, Blackboard, Blackboard];
const hubs = [oslo, lima, pune];
const network = connectAll(hubs);
const at = (hub: Blackboard) => hub.board('main');

console.log(`${''.padEnd(34)}${names.map((name) => name.padEnd(26)).join('')}`.trimEnd());
await at(oslo).set('plan', 'draft', { writer: 'ana' });
await at(pune).increment('votes', 1, { writer: 'bo' });
await converged();
await show('together');

network.cut('lima');
await at(oslo).set('plan', 'approved', { writer: 'ana' });
await at(oslo).increment('votes', 3, { writer: 'ana' });
await at(oslo).add('owners', 'ana', { writer: 'ana' });
await at(lima).set('plan', 'rejected', { writer: 'cy' });
await at(lima).increment('votes', 10, { writer: 'cy' });
await at(lima).add('owners', 'cy', { writer: 'cy' });
await until(async () => (await at(pune).get('plan'))?.value === 'approved');
await show('lima is cut off; all go on writing');
assert.equal((await at(lima).get('plan'))?.value, 'rejected');

network.heal('lima');
await converged();
await show('the cable is mended');
const values = await Promise.all(hubs.map(async (hub) => (await at(hub).conflicts('plan')).map(({ value, writer }) => `${value} (${writer})`)));
for (const each of values) assert.deepEqual(each.toSorted(), ['approved (ana)', 'rejected (cy)']);
assert.equal((await at(lima).get('votes'))?.value, 14);
assert.deepEqual((await at(pune).get('owners'))?.value, ['ana', 'cy']);

await at(pune).resolve('plan', 'approved, with changes', { writer: 'bo' });
await converged();
await show('pune has resolved it');
for (const hub of hubs) {
  assert.equal((await at(hub).get('plan'))?.value, 'approved, with changes');
  assert.equal((await at(hub).conflicts('plan')).length, 0);
}
await Promise.all(hubs.map((hub) => hub.close()));
console.log('Nothing was lost, and all three hold the same.');

/** One line for each key: what each hub reads. */
async function show(title: string): Promise<void> {
  console.log(`\n${title}`);
  for (const key of ['plan', 'votes', 'owners']) {
    const cells = await Promise.all(
      hubs.map(async (hub) => {
        const entry = await at(hub).get(key);
        const conflicts = entry?.conflicts ? ` (+${entry.conflicts} beside it)` : '';
        return `${entry === undefined ? '-' : JSON.stringify(entry.value)}${conflicts}`.padEnd(26);
      }),
    );
    console.log(`  ${key.padEnd(32)}${cells.join('')}`.trimEnd());
  }
}

async function converged(): Promise<void> {
  await until(async () => new Set(await Promise.all(hubs.map(async (hub) => (await hub.status('main')).digest))).size === 1);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await isSo()); ) {
    assert.ok(Date.now() < end, 'it should have come to this by now');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
