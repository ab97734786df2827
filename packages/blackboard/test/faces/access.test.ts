import type { BoardAccess } from '@meshwork/blackboard';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ana, bo, createWorld, keysOf, nobody } from './world.ts';

/** Keys under `secret/` are ana's; `inbox/` is written by all and read by ana. */
const access: BoardAccess = {
  check({ principal, key, action }) {
    const isAllowed = principal.id === 'ana' || !(key.startsWith('secret/') || (key.startsWith('inbox/') && action === 'read'));
    return { effect: isAllowed ? 'allow' : 'deny', policies: ['of-ana'], reason: isAllowed ? 'it is fine' : 'this is of ana' };
  },
};

describe('T33: access to keys', () => {
  it.each<[string, object]>([
    ['read', {}],
    ['write', { value: 1 }],
    ['write', { value: 1, expected: null }],
    ['delete', {}],
    ['history', {}],
    ['conflicts', {}],
    ['resolve', { value: 1 }],
  ])('is refused by %s, whether there is such a key or board or not', async (tool, args) => {
    await using world = await createWorld({ access });
    await world.use(ana, 'write', { key: 'secret/there', value: 'hidden' });
    const refusals = [];
    for (const [board, key] of [
      ['main', 'secret/there'],
      ['main', 'secret/nowhere'],
      ['nowhere', 'secret/there'],
    ]) {
      const { message, ...refusal } = await world.use(bo, tool, { board, key, ...args });
      expect(message).toContain('this is of ana');
      refusals.push(refusal);
    }
    expect(new Set(refusals.map((refusal) => JSON.stringify(refusal)))).toEqual(new Set([JSON.stringify(refusals[0])]));
    expect(refusals[0]).toMatchObject({ isError: true, code: 'DENIED', policies: ['of-ana'] });
    expect(await world.use(ana, 'read', { key: 'secret/there' })).toMatchObject({ entry: { value: 'hidden', writer: 'ana' } });
  });

  it('tells who may only write nothing of what is there', async () => {
    await using world = await createWorld({ access });
    await world.use(ana, 'write', { key: 'inbox/n', op: 'increment', by: 41 });
    expect(await world.use(bo, 'write', { key: 'inbox/n', op: 'increment' })).toEqual({ isError: false });
    expect(await world.use(bo, 'write', { key: 'inbox/s', op: 'add', value: 1 })).toEqual({ isError: false });
    expect(await world.use(bo, 'write', { key: 'inbox/s', op: 'remove', value: 1 })).toEqual({ isError: false });
    expect(await world.use(bo, 'write', { key: 'inbox/k', value: 1, expected: null })).toMatchObject({ code: 'DENIED' });
    expect(await world.use(bo, 'write', { key: 'inbox/k', value: 1, level: 'eventual' })).toMatchObject({ code: 'DENIED' });
    expect(await world.use(bo, 'resolve', { key: 'inbox/k', value: 1 })).toMatchObject({ code: 'DENIED' });
    expect(await world.use(bo, 'delete', { key: 'inbox/n' })).toEqual({ isError: false });
    expect(await world.use(ana, 'read', { key: 'inbox/n' })).toMatchObject({ found: false });
  });

  it('is for callers with a credential where nobody says otherwise', async () => {
    await using world = await createWorld();
    await world.use(ana, 'write', { key: 'k', value: 1 });
    expect(await world.use(nobody, 'read', { key: 'k' })).toMatchObject({ isError: true, code: 'DENIED' });
    expect(keysOf(await world.use(nobody, 'list'))).toEqual([]);
  });

  it('keeps from lists, and from waiting, all that depends on other keys', async () => {
    const key = fc.tuple(fc.constantFrom('a/', 'b/', 'secret/', 'inbox/', 's', 't/'), fc.integer({ min: 0, max: 9 })).map(([prefix, n]) => `${prefix}${n}`);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 25 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom('', 's', 'secret/', 'a/'),
        async (keys, limit, prefix) => {
          const mayRead = (each: string) => access.check({ principal: bo, board: 'main', key: each, action: 'read' }).effect === 'allow';
          const pagesOf = async (written: readonly string[]) => {
            await using world = await createWorld({ access });
            for (const each of written) await world.use(ana, 'write', { key: each, value: each });
            const pages: unknown[] = [];
            let after: string | undefined;
            do {
              const page = await world.use(bo, 'list', { prefix, limit, ...(after !== undefined && { after }) });
              pages.push([keysOf(page), page.next_after]);
              after = page.next_after;
            } while (after !== undefined);
            const watched = await world.use(bo, 'watch', { prefix, wait_ms: 0 });
            return { pages, changes: watched.changes };
          };
          const visible = keys.filter(mayRead);
          const all = await pagesOf(keys);
          expect(all).toEqual(await pagesOf(visible));
          expect(all.pages.flatMap((page) => (page as [string[]])[0])).toEqual(visible.filter((each) => each.startsWith(prefix)).toSorted());
        },
      ),
      { numRuns: 30 },
    );
  });

  it('finds what may be seen behind any number of keys that may not', async () => {
    await using world = await createWorld({ access });
    const board = world.blackboard.board('main');
    for (let n = 0; n < 1_200; n++) await board.set(`secret/${n}`, n);
    await board.set('t', 1);
    expect(keysOf(await world.use(bo, 'list', { limit: 1 }))).toEqual(['t']);
    expect(await world.use(bo, 'list', { limit: 1, prefix: 'secret/' })).toMatchObject({ entries: [] });
    // Others have their turn meanwhile, and who gives up is not worked for any more.
    const gone = new AbortController();
    const order: string[] = [];
    const listing = world.use(bo, 'list', { prefix: 'secret/' }, { signal: gone.signal }).then((answer) => order.push(String(answer.code)));
    setTimeout(() => {
      order.push('somebody else');
      gone.abort();
    }, 0);
    await listing;
    expect(order).toEqual(['somebody else', 'CANCELLED']);
  });

  it('keeps a caller who waits from hearing of other keys', async () => {
    await using world = await createWorld({ access });
    const { cursor } = await world.use(bo, 'list');
    await world.use(ana, 'write', { key: 'secret/1', value: 1 });
    await world.use(ana, 'write', { key: 'a/1', value: 1 });
    expect(keysOf(await world.use(bo, 'watch', { cursor }), 'changes')).toEqual(['a/1']);
  });
});
