import type { BoardAccess } from '@meshwork/blackboard';
import { connectInProcess } from '@meshwork/transports';
import { Client, type Transport } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { ana, bo, createWorld } from './world.ts';

const uri = (key: string) => `blackboard://main/${encodeURIComponent(key)}`;
const ofAna: BoardAccess = {
  check: ({ principal, key }) =>
    principal.id === 'ana' || !key.startsWith('secret/')
      ? { effect: 'allow', policies: [], reason: '' }
      : { effect: 'deny', policies: ['of-ana'], reason: 'this is of ana' },
};

async function connected(world: Awaited<ReturnType<typeof createWorld>>, principal = ana) {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(connectInProcess(world.hub, principal) as Transport);
  return client;
}

describe('keys as resources', () => {
  it.each(['plans/q4', '..', 'a b?c#d', '100%', '%2F', '{key}', '__proto__', 'ключ', '\u{1f600}'])('have a URI of their own: %s', async (key) => {
    await using world = await createWorld();
    await world.use(ana, 'write', { key, value: key });
    expect(await world.read(ana, uri(key))).toMatchObject({ key, value: key, writer: 'ana' });
    await expect(world.read(ana, `${uri(key)}x`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('T33: are read by those who may, whether they are there or not', async () => {
    await using world = await createWorld({ access: ofAna });
    await world.use(ana, 'write', { key: 'secret/1', value: 1 });
    expect(await world.read(ana, uri('secret/1'))).toMatchObject({ value: 1 });
    for (const key of ['secret/1', 'secret/2']) await expect(world.read(bo, uri(key))).rejects.toMatchObject({ code: 'DENIED' });
  });

  it('T33: are listed as boards and a template, and completed with what may be seen', async () => {
    await using world = await createWorld({ access: ofAna });
    for (const key of ['plans/q3', 'plans/q4', 'secret/1']) await world.use(ana, 'write', { key, value: 1 });
    const completed = async (principal: typeof ana, name: string, value: string, board?: string) => {
      const client = await connected(world, principal);
      const ref = { type: 'ref/resource', uri: 'blackboard://{board}/{key}' } as const;
      const context = board === undefined ? {} : { context: { arguments: { board } } };
      return (await client.complete({ ref, argument: { name, value }, ...context })).completion.values;
    };
    const client = await connected(world);
    expect((await client.listResources()).resources.map((resource) => resource.uri)).toEqual(['blackboard://main']);
    expect((await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['blackboard://{board}/{key}']);
    expect(await completed(ana, 'board', 'm')).toEqual(['main']);
    expect(await completed(ana, 'key', 'plans/', 'main')).toEqual(['plans/q3', 'plans/q4']);
    expect(await completed(ana, 'key', '')).toEqual(['plans/q3', 'plans/q4', 'secret/1']);
    expect(await completed(bo, 'key', '')).toEqual(['plans/q3', 'plans/q4']);
    expect(await completed(bo, 'key', 'secret/')).toEqual([]);
    expect(await completed(ana, 'key', '', 'other')).toEqual([]);
  });

  it('T33: tell whoever listens that they changed, and nobody else', async () => {
    await using world = await createWorld({ access: ofAna });
    expect(world.hub.maySee(bo, uri('plans/q4'))).toBe(true);
    expect(world.hub.maySee(bo, uri('secret/1'))).toBe(false);
    expect(world.hub.maySee(ana, uri('secret/1'))).toBe(true);
    const updated: string[] = [];
    world.hub.events.on('resource-updated', (event) => updated.push(event.uri));
    for (let n = 0; n < 20; n++) await world.use(ana, 'write', { key: 'plans/q4', value: n });
    await world.use(ana, 'delete', { key: 'plans/q4' });
    await expect.poll(() => updated).toContain(uri('plans/q4'));
    expect(updated).toContain('blackboard://main');
    // Of many changes in a short time, few updates.
    expect(updated.filter((each) => each === uri('plans/q4')).length).toBeLessThan(21);
  });

  it('reach a client that subscribed, also when another hub wrote', async () => {
    const { linked } = await import('./replica.ts');
    await using here = await createWorld({ name: 'here' });
    await using there = await createWorld({ name: 'there' });
    using _link = linked(here.blackboard, there.blackboard);
    const client = await connected(here);
    const heard: string[] = [];
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri));
    await client.listen({ resourceSubscriptions: [uri('plans/q4')] });
    await there.use(bo, 'write', { key: 'plans/q4', value: 1 });
    await expect.poll(() => heard, { timeout: 15_000 }).toContain(uri('plans/q4'));
    expect(await here.read(ana, uri('plans/q4'))).toMatchObject({ value: 1, writer: 'bo' });
    await client.close();
  });

  it('say how the board does, to those who may see all of it', async () => {
    await using world = await createWorld();
    await world.use(ana, 'write', { key: 'k', value: 1 });
    expect(await world.read(ana, 'blackboard://main')).toMatchObject({ board: 'main', keys: 1, digest: expect.any(String), peers: [] });
    await expect(world.read(ana, 'blackboard://other')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await using shut = await createWorld({ access: { check: () => ({ effect: 'deny', policies: [], reason: 'nobody' }) } });
    await expect(shut.read(ana, 'blackboard://main')).rejects.toMatchObject({ code: 'DENIED' });
    expect((await (await connected(shut)).listResources()).resources).toEqual([]);
  });
});
