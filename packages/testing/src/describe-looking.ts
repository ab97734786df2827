import { NotFoundError, type Store } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { collect } from './collect.ts';

/** Opens one store of a server, the same each time. */
export type OpenSame = (options: { readonly readOnly: boolean }) => Promise<Store>;

/** The contract of drivers whose stores can be looked at and left as they are; `choose` gives the way to one that nobody has opened. */
export function describeLooking(name: string, choose: () => Promise<OpenSame>): void {
  describe(`looking at the ${name} store`, () => {
    it('makes none where there is none', async () => {
      const open = await choose();
      // The second finds nothing that the first has made.
      for (let times = 0; times < 2; times++) await expect(open({ readOnly: true })).rejects.toThrow(NotFoundError);
    });

    it('reads all that is there, and refuses to change it', async () => {
      const open = await choose();
      const store = await open({ readOnly: false });
      await store.put('a', { b: 1 });
      await store.append('log', ['x', 'y']);
      const look = await open({ readOnly: true });
      try {
        expect((await look.get('a'))?.value).toEqual({ b: 1 });
        expect((await collect(look.list(''))).map(({ key }) => key)).toEqual(['a']);
        expect((await collect(look.read('log'))).map(({ value }) => value)).toEqual(['x', 'y']);
        expect([await look.head('log'), await collect(look.streams())]).toEqual([2, ['log']]);
        const writes = [
          () => look.put('a', 2),
          () => look.put('new', 2),
          () => look.delete('a'),
          () => look.append('log', ['z']),
          () => look.appendPast?.('log', [{ time: 0, value: 'z' }], { expected: 2 }),
          () => look.trim('log', 2),
        ];
        for (const write of writes) await expect((async () => write())()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
        expect((await collect(store.list(''))).map(({ key, value }) => [key, value])).toEqual([['a', { b: 1 }]]);
        expect((await collect(store.read('log'))).map(({ value }) => value)).toEqual(['x', 'y']);
      } finally {
        await Promise.all([look.close(), store.close()]);
      }
    });
  });
}
