import { describe, expect, it } from 'vitest';
import { linked } from './replica.ts';
import { ana, bo, createWorld, keysOf } from './world.ts';

describe('the tools of a board', () => {
  it('write, read, list and delete, and say who wrote', async () => {
    await using world = await createWorld();
    const { use } = world;
    const written = await use(ana, 'write', { key: 'plans/q4', value: { status: 'open' } });
    expect(written).toMatchObject({
      isError: false,
      entry: { key: 'plans/q4', value: { status: 'open' }, kind: 'register', writer: 'ana', tombstone: false, conflicts: 0 },
    });
    expect(written.token).toBeUndefined();
    await use(bo, 'write', { key: 'plans/q3', value: null });
    await use(bo, 'write', { key: 'notes', value: 'x' });
    expect(await use(bo, 'read', { key: 'plans/q4' })).toMatchObject({ found: true, entry: { value: { status: 'open' }, writer: 'ana' } });
    expect(keysOf(await use(ana, 'list', { prefix: 'plans/' }))).toEqual(['plans/q3', 'plans/q4']);
    expect(await use(bo, 'delete', { key: 'plans/q4' })).toMatchObject({ isError: false, deleted: true });
    expect(await use(bo, 'delete', { key: 'plans/q4' })).toMatchObject({ isError: false, deleted: false });
    expect(await use(ana, 'read', { key: 'plans/q4' })).toEqual({ isError: false, found: false });
    expect(await use(ana, 'history', { key: 'plans/q4' })).toMatchObject({ entries: [{ tombstone: true, writer: 'bo' }, { value: { status: 'open' } }] });
  });

  it('page through a list without loss or repetition', async () => {
    await using world = await createWorld();
    const keys = ['', '!', 'a', 'a/b', 'b', 'é', '__proto__', 'constructor', '\u{1f600}'].map((key) => `k${key}`).toSorted();
    for (const key of keys) await world.use(ana, 'write', { key, value: 1 });
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await world.use(ana, 'list', { limit: 2, ...(after !== undefined && { after }) });
      found.push(...keysOf(page));
      after = page.next_after;
    } while (after !== undefined);
    expect(found).toEqual(keys);
  });

  it('end a page early where its values are large', async () => {
    await using world = await createWorld();
    for (let n = 0; n < 5; n++) await world.use(ana, 'write', { key: `k${n}`, value: 'x'.repeat(200_000) });
    const first = await world.use(ana, 'list');
    expect(keysOf(first)).toEqual(['k0', 'k1']);
    expect(first.next_after).toBe('k1');
  });

  it('count, and keep sets', async () => {
    await using world = await createWorld();
    const { use } = world;
    expect(await use(ana, 'write', { key: 'n', op: 'increment' })).toMatchObject({ entry: { value: 1, kind: 'counter' } });
    expect(await use(bo, 'write', { key: 'n', op: 'increment', by: -5 })).toMatchObject({ entry: { value: -4 } });
    await use(ana, 'write', { key: 's', op: 'add', value: 'x' });
    expect(await use(ana, 'write', { key: 's', op: 'add', value: { y: 1 } })).toMatchObject({ entry: { kind: 'set' } });
    expect(await use(ana, 'write', { key: 's', op: 'remove', value: { y: 1 } })).toMatchObject({ removed: true });
    expect(await use(ana, 'write', { key: 's', op: 'remove', value: 'never there' })).toMatchObject({ removed: false });
    expect(await use(ana, 'read', { key: 's' })).toMatchObject({ entry: { value: ['x'] } });
  });

  it.each<[string, string, object, string]>([
    ['a set without a value', 'write', { key: 'k' }, 'INVALID_INPUT'],
    ['an increment with a value', 'write', { key: 'k', op: 'increment', value: 1 }, 'INVALID_INPUT'],
    ['a set with a step', 'write', { key: 'k', value: 1, by: 1 }, 'INVALID_INPUT'],
    ['a condition on an increment', 'write', { key: 'k', op: 'increment', expected: null }, 'INVALID_INPUT'],
    ['an element of what is a register', 'write', { key: 'register', op: 'add', value: 1 }, 'INVALID_INPUT'],
    ['an empty key', 'read', { key: '' }, 'INVALID_INPUT'],
    ['an unknown board', 'read', { key: 'k', board: 'other' }, 'NOT_FOUND'],
    ['a token that is none', 'read', { key: 'k', token: 'x' }, 'INVALID_INPUT'],
    ['a writer in the arguments', 'write', { key: 'k', value: 1, writer: 'bo' }, 'INVALID_INPUT'],
  ])('refuse %s', async (_what, tool, args, code) => {
    await using world = await createWorld();
    await world.use(ana, 'write', { key: 'register', value: 1 });
    expect(await world.use(ana, tool, args)).toMatchObject({ isError: true, code });
    expect(keysOf(await world.use(ana, 'list'))).toEqual(['register']);
  });

  it('show concurrent values, and write one in place of them', async () => {
    await using here = await createWorld({ name: 'here' });
    await using there = await createWorld({ name: 'there' });
    await here.use(ana, 'write', { key: 'k', value: 'ours' });
    await there.use(bo, 'write', { key: 'k', value: 'theirs' });
    using _link = linked(here.blackboard, there.blackboard);
    await expect.poll(async () => keysOf(await here.use(ana, 'conflicts', { key: 'k' })).length).toBe(2);
    const { entries } = await here.use(ana, 'conflicts', { key: 'k' });
    expect((entries as unknown as { value: string; writer: string }[]).map(({ value, writer }) => [value, writer]).toSorted()).toEqual([
      ['ours', 'ana'],
      ['theirs', 'bo'],
    ]);
    expect(await here.use(ana, 'read', { key: 'k' })).toMatchObject({ entry: { conflicts: 1 } });
    expect(await here.use(bo, 'resolve', { key: 'k', value: 'both' })).toMatchObject({ entry: { value: 'both', writer: 'bo', conflicts: 0 } });
    expect(keysOf(await here.use(ana, 'conflicts', { key: 'k' }))).toEqual([]);
    await expect.poll(async () => (await there.use(ana, 'read', { key: 'k' })).entry).toMatchObject({ value: 'both', conflicts: 0 });
    expect(await here.use(ana, 'resolve', { key: 'k', value: 'again' })).toMatchObject({ isError: true, code: 'CONFLICT' });
  });

  it('carry a session from hub to hub', async () => {
    await using here = await createWorld({ name: 'here' });
    await using there = await createWorld({ name: 'there' });
    const { token } = await here.use(ana, 'write', { key: 'k', value: 1, token: '' });
    expect(token).toBeTypeOf('string');
    // Nobody carries it there: the session is told so rather than shown less than it wrote.
    expect(await there.use(ana, 'read', { key: 'k', token, timeout_ms: 20 })).toMatchObject({ isError: true, code: 'UNAVAILABLE' });
    using _link = linked(here.blackboard, there.blackboard);
    const answer = await there.use(ana, 'read', { key: 'k', token, timeout_ms: 20_000 });
    expect(answer).toMatchObject({ isError: false, entry: { value: 1 }, token: expect.any(String) });
  });

  it('let who creates a key choose its level, where a rule does', async () => {
    await using world = await createWorld({ settings: { rules: [{ prefix: 'free/', level: 'chosen' }] } });
    const { use } = world;
    expect(await use(ana, 'write', { key: 'free/a', value: 1, level: 'strong' })).toMatchObject({ entry: { level: 'strong' } });
    expect(await use(bo, 'write', { key: 'free/a', value: 2, level: 'eventual' })).toMatchObject({ isError: true, code: 'CONFLICT', level: 'strong' });
    expect(await use(bo, 'write', { key: 'free/a', value: 2 })).toMatchObject({ entry: { level: 'strong', value: 2 } });
    expect(await use(bo, 'write', { key: 'free/b', value: 1, expected: null })).toMatchObject({ entry: { level: 'strong' } });
    expect(await use(bo, 'write', { key: 'free/c', op: 'add', value: 1 })).toMatchObject({ entry: { level: 'eventual', kind: 'set' } });
    for (const args of [
      { key: 'free/d', value: 1, level: 'session' },
      { key: 'free/d', value: 1, expected: null, level: 'eventual' },
      { key: 'free/d', op: 'increment', level: 'strong' },
      { key: 'free/c', op: 'remove', value: 1, level: 'eventual' },
      { key: 'other', value: 1, level: 'strong' },
    ])
      expect(await use(ana, 'write', args)).toMatchObject({ isError: true, code: 'INVALID_INPUT' });
    expect(await use(ana, 'write', { key: 'other', value: 1, level: 'eventual' })).toMatchObject({ entry: { level: 'eventual' } });
    expect(await use(ana, 'read', { key: 'free/d' })).toMatchObject({ found: false });
    expect(keysOf(await use(ana, 'list'))).toEqual(['free/a', 'free/b', 'free/c', 'other']);
    expect(keysOf(await use(ana, 'list', { limit: 2 }))).toEqual(['free/a', 'free/b']);
    expect(await world.read(ana, 'blackboard://main/free%2Fb')).toMatchObject({ level: 'strong', value: 1 });
    expect(await use(ana, 'delete', { key: 'free/a' })).toMatchObject({ deleted: true });
    expect(await use(ana, 'write', { key: 'free/a', value: 1, level: 'eventual' })).toMatchObject({ code: 'CONFLICT' });
    expect(await use(ana, 'resolve', { key: 'free/b', value: 2 })).toMatchObject({ code: 'CONFLICT' });
    expect(await use(ana, 'history', { key: 'free/c' })).toMatchObject({ entries: [{ level: 'eventual' }] });
  });

  it('let an entry expire', async () => {
    await using world = await createWorld();
    const { entry } = await world.use(ana, 'write', { key: 'k', value: 1, ttl_ms: 60_000 });
    expect(entry).toMatchObject({ expires_at: expect.any(String) });
    world.clock.advance(60_001);
    expect(await world.use(ana, 'read', { key: 'k' })).toMatchObject({ found: false });
  });
});
