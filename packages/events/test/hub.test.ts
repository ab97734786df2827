import { createHub, createMemoryStore, type Principal } from '@meshwork/core';
import { createEvents } from '@meshwork/events';
import { describe, expect, it } from 'vitest';
import { ana, bo, root, until } from './support/world.ts';

async function createWorld() {
  const store = createMemoryStore();
  const events = createEvents({ journal: store, store, webhooks: { fetch } });
  const hub = createHub({ modules: [events] });
  await events.start();
  const use = async (principal: Principal, name: string, args: object) => {
    const result = await hub.call({ kind: 'tool', name, arguments: args as never, principal, face: 'local' });
    if (result.kind !== 'tool') throw new Error(result.kind);
    return { isError: result.isError === true, ...(result.structuredContent as Record<string, never>) } as Record<string, never> & { isError: boolean };
  };
  const read = async (principal: Principal, uri: string) => {
    const result = await hub.call({ kind: 'resource', name: uri, principal, face: 'local' });
    const [contents] = result.kind === 'resource' ? result.contents : [];
    return JSON.parse((contents as { text: string }).text);
  };
  return { hub, events, use, read };
}

describe('events in a hub', () => {
  it('are found, taken, acknowledged and replayed with three tools', async () => {
    const { hub, events, use } = await createWorld();
    expect(
      (await use(ana, 'event_subscribe', { action: 'save', name: 'grants', filter: { types: ['grant.*'], data: [{ pointer: '/scope', one_of: ['read'] }] } }))
        .subscription,
    ).toMatchObject({
      name: 'grants',
      order: 'source',
      filter: { types: ['grant.*'], data: [{ pointer: '/scope', one_of: ['read'] }] },
    });
    for (const scope of ['read', 'write', 'read']) await events.publish({ type: 'grant.issued', owner: 'ana', data: { scope } });
    await events.publish({ type: 'grant.issued', owner: 'bo', data: { scope: 'read' } });
    const offsetsOf = ({ events: found }: Record<string, never>) => (found as unknown as { offset: number }[]).map(({ offset }) => offset);
    expect(offsetsOf(await use(ana, 'event_subscribe', { action: 'take', name: 'grants' }))).toEqual([1, 3]);
    expect(await use(ana, 'event_subscribe', { action: 'release', name: 'grants', offsets: [3] })).toMatchObject({ settled: 1 });
    expect(await use(ana, 'event_subscribe', { action: 'acknowledge', name: 'grants', offsets: [1, 3] })).toMatchObject({ settled: 2 });
    expect(offsetsOf(await use(ana, 'event_query', {}))).toEqual([3, 2, 1]);
    expect(offsetsOf(await use(root, 'event_query', { order: 'oldest', limit: 2 }))).toEqual([1, 2]);
    expect(offsetsOf(await use(root, 'event_query', { order: 'oldest', cursor: '3' }))).toEqual([3, 4]);
    const page = await use(ana, 'event_replay', { from_offset: 1, limit: 2 });
    expect([offsetsOf(page), page.next_cursor]).toEqual([[1, 2], '3']);
    expect(offsetsOf(await use(ana, 'event_replay', { from_offset: 1, cursor: page.next_cursor }))).toEqual([3]);
    expect(await use(ana, 'event_replay', { from_offset: 3, to: 'grants' })).toMatchObject({ subscription: 'grants' });
    expect(offsetsOf(await use(ana, 'event_subscribe', { action: 'take', name: 'grants' }))).toEqual([3]);
    expect((await use(ana, 'event_replay', { dead_letters_of: 'grants' })).events).toEqual([]);
    expect((await use(ana, 'event_subscribe', { action: 'list' })).subscriptions).toHaveLength(1);
    expect((await use(bo, 'event_subscribe', { action: 'list' })).subscriptions).toEqual([]);
    expect(await use(ana, 'event_subscribe', { action: 'remove', name: 'grants' })).toMatchObject({ removed: true });
    await hub.close();
  });

  it.each<[string, string, object]>([
    ['what needs a name', 'event_subscribe', { action: 'take' }],
    ['what needs offsets', 'event_subscribe', { action: 'acknowledge', name: 'a' }],
    ['a filter it cannot read', 'event_subscribe', { action: 'save', name: 'a', filter: { types: ['a*b'] } }],
    ['somebody else’s subscription', 'event_subscribe', { action: 'take', name: 'theirs' }],
    ['a replay from nowhere', 'event_replay', {}],
    ['a replay from two places', 'event_replay', { from_offset: 1, from_time: '2026-01-01T00:00:00Z' }],
    ['a webhook for no admin', 'event_subscribe', { action: 'save', name: 'a', webhook_url: 'https://a.example/' }],
    ['an argument it does not know', 'event_query', { regex: '.*' }],
  ])('refuse %s', async (_what, name, args) => {
    const { hub, use } = await createWorld();
    await use(bo, 'event_subscribe', { action: 'save', name: 'theirs' });
    expect((await use(ana, name, args)).isError).toBe(true);
    await hub.close();
  });

  it('show the secret of a webhook once, and nowhere else', async () => {
    const { hub, use, read } = await createWorld();
    const { secret } = await use(root, 'event_subscribe', { action: 'save', name: 'hook', webhook_url: 'https://a.example/' });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const again = await use(root, 'event_subscribe', { action: 'save', name: 'hook', webhook_url: 'https://b.example/' });
    expect(again).toMatchObject({ subscription: { webhook: { url: 'https://b.example/', status: 'active' } } });
    for (const shown of [again, await use(root, 'event_subscribe', { action: 'list' }), await read(root, 'events://subscription/hook')])
      expect(JSON.stringify(shown)).not.toContain('whsec_');
    expect((await use(root, 'event_subscribe', { action: 'rotate_secret', name: 'hook' })).secret).not.toBe(secret);
    expect((await use(root, 'event_subscribe', { action: 'resume', name: 'hook' })).subscription).toMatchObject({ name: 'hook' });
    await hub.close();
  });

  it('are resources: each shows what its reader may see, and tells its listeners when there is more', async () => {
    const { hub, events, use, read } = await createWorld();
    await use(ana, 'event_subscribe', { action: 'save', name: 'mine', filter: { types: ['a'] } });
    await new Promise((resolve) => setTimeout(resolve, 40));
    const updates: string[] = [];
    hub.events.on('resource-updated', ({ uri }) => updates.push(uri));
    for (let n = 0; n < 50; n++) await events.publish({ type: 'a', owner: 'bo' });
    await until(() => updates.includes('events://recent'));
    expect(updates).not.toContain('events://subscription/mine');
    await events.publish({ type: 'a', owner: 'ana' });
    await until(() => updates.includes('events://subscription/mine'));
    // Fifty events in one breath are no fifty updates.
    expect(updates.length).toBeLessThan(20);
    expect((await read(ana, 'events://recent')).events).toMatchObject([{ offset: 51 }]);
    expect((await read(root, 'events://recent')).events).toHaveLength(51);
    expect(await read(ana, 'events://subscription/mine')).toMatchObject({ name: 'mine', unread: 51, in_flight: 0, dead_letters: 0 });
    await expect(read(bo, 'events://subscription/mine')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await hub.close();
  });
});
