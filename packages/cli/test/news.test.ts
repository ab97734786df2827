import { createMemoryStore, defineTool, inProcessPrincipal, type Principal, toolAnswer } from '@meshwork/core';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { dataFolder } from '../src/data-folder.ts';
import { type RunningHub, startHub } from '../src/start-hub.ts';
import { inFolder } from './program.ts';

const admin: Principal = inProcessPrincipal('boss', { roles: ['admin'], actsFor: ['*'] });
const agent = (id: string): Principal => ({ ...inProcessPrincipal(id), kind: 'agent', method: 'api-key' });
const endless = defineTool({
  name: 'endless',
  description: 'Works until it is stopped, unless it has nothing to do.',
  category: 'test',
  effect: 'read',
  task: 'required',
  input: z.object({ isIdle: z.boolean() }),
  run: async ({ isIdle }, { signal }) => {
    if (!isIdle) await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    return toolAnswer([]);
  },
});
const seen = async ({ events }: RunningHub, viewer: Principal) => (await events.query(viewer, { limit: 100 })).events.map(({ event }) => event);
/** Without those of keys, which tell of how the hub was set up. */
const typesOf = async (running: RunningHub, viewer: Principal) =>
  (await seen(running, viewer)).map(({ type }) => type.replace('meshwork.', '')).filter((type) => !type.startsWith('key.'));

it('a hub keeps what its modules tell, each agent sees its own, and what a dead hub left is told when it is back', () =>
  inFolder(async (folder) => {
    const store = createMemoryStore();
    const open = () =>
      startHub({
        folder: dataFolder(folder),
        store: { store: { ...store, close: async () => {} }, isShared: false, shown: 'memory:' },
        limits: [{ by: 'caller', points: 2, perMs: 3_600_000 }],
        modules: [{ name: 'test', tools: [endless] }],
      });
    const first = await open();
    for (const name of ['ana', 'bo']) await first.guardian.agents.add({ name });
    const start = (id: string, isIdle: boolean) =>
      first.hub.call({ name: 'endless', arguments: { isIdle }, principal: agent(id), face: 'local', asTask: true });
    expect(await start('ana', true)).toMatchObject({ kind: 'operation' });
    await start('ana', false);
    for (let times = 0; times < 5; times++) expect(await start('ana', true)).toMatchObject({ structuredContent: { code: 'LIMITED' } });
    await start('bo', false);
    first.presence.opened(agent('ana'), 'ws');
    await first.audit.exportCheckpoint();
    const anas = ['agent.connected', 'limit.reached', 'operation.completed', 'operation.started', 'operation.started'];
    await expect.poll(async () => (await typesOf(first, agent('ana'))).toSorted()).toEqual(anas);
    const alls = [...anas, 'audit.checkpoint_signed', 'hub.started', 'operation.started'].toSorted();
    await expect.poll(async () => (await typesOf(first, admin)).toSorted()).toEqual(alls);
    expect((await seen(first, admin)).find(({ type }) => type === 'meshwork.hub.started')).toMatchObject({ data: { hub: 'local', lostOperations: 0 } });

    // The first is left as it is, as if it had been killed.
    const second = await open();
    expect((await typesOf(second, agent('bo'))).filter((type) => type.startsWith('operation')).toSorted()).toEqual(['operation.lost', 'operation.started']);
    const lost = (await seen(second, admin)).filter(({ type }) => type === 'meshwork.operation.lost');
    expect(lost.map(({ owner, subject, id, data }) => [owner, `${subject}:ended` === id, (data as { name: string }).name]).toSorted()).toEqual([
      ['ana', true, 'endless'],
      ['bo', true, 'endless'],
    ]);
    expect((await seen(second, admin)).filter(({ type }) => type === 'meshwork.hub.started').map(({ data }) => data)).toContainEqual(
      expect.objectContaining({ lostOperations: 2 }),
    );
    await second.close();
    const names: unknown[] = [];
    for await (const { value } of store.read('events/log')) names.push((value as { type: string }).type);
    expect(names).toContain('meshwork.hub.stopping');
    await first.close();
  }));
