import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMessageParts } from '../../src/message-parts.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (whole: Uint8Array | undefined) => whole && new TextDecoder().decode(whole);

describe('messages in parts', () => {
  it('are put together in order, each by itself', () => {
    const parts = createMessageParts({ maxMessageBytes: 100 });
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 8 }),
        (one, other) => {
          const found: Record<string, string | undefined> = {};
          const send = (id: string, pieces: readonly string[], index: number) => {
            if (index < pieces.length) found[id] = text(parts.add('b', { id, index, count: pieces.length }, bytes(pieces[index] ?? '')));
          };
          for (let index = 0; index < 8; index++) {
            send('one', one, index);
            send('other', other, index);
          }
          expect(found).toEqual({ one: one.join(''), other: other.join('') });
        },
      ),
    );
  });

  it.each<[string, readonly (readonly [id: string, index: number, count: number])[]]>([
    ['one that is missing at the beginning', [['x', 1, 2]]],
    [
      'a gap',
      [
        ['x', 0, 3],
        ['x', 2, 3],
      ],
    ],
    [
      'another number of parts',
      [
        ['x', 0, 3],
        ['x', 1, 2],
      ],
    ],
    [
      'one that comes twice',
      [
        ['x', 0, 3],
        ['x', 1, 3],
        ['x', 1, 3],
      ],
    ],
  ])('are refused with %s, and have to be sent anew', (_what, sent) => {
    const parts = createMessageParts({ maxMessageBytes: 100 });
    const add = () => sent.map(([id, index, count]) => parts.add('b', { id, index, count }, bytes('.')));
    expect(add).toThrow(/send the message anew/);
    expect(() => parts.add('b', { id: 'x', index: 2, count: 3 }, bytes('.'))).toThrow();
    expect(text([0, 1].map((index) => parts.add('b', { id: 'x', index, count: 2 }, bytes(String(index)))).at(-1))).toBe('01');
  });

  it('of one peer never mix with those of another, and take no more than a few of each', () => {
    const parts = createMessageParts({ maxMessageBytes: 100 });
    parts.add('b', { id: 'x', index: 0, count: 2 }, bytes('b'));
    expect(() => parts.add('c', { id: 'x', index: 1, count: 2 }, bytes('c'))).toThrow();
    for (let n = 0; n < 4; n++) parts.add('c', { id: `m${n}`, index: 0, count: 2 }, bytes('c'));
    parts.add('c', { id: 'm4', index: 0, count: 2 }, bytes('c'));
    expect(() => parts.add('c', { id: 'm0', index: 1, count: 2 }, bytes('c'))).toThrow();
    expect(text(parts.add('c', { id: 'm1', index: 1, count: 2 }, bytes('!')))).toBe('c!');
    expect(text(parts.add('b', { id: 'x', index: 1, count: 2 }, bytes('!')))).toBe('b!');
  });

  it('are refused when they are too long together', () => {
    const parts = createMessageParts({ maxMessageBytes: 3 });
    parts.add('b', { id: 'x', index: 0, count: 3 }, bytes('12'));
    expect(() => parts.add('b', { id: 'x', index: 1, count: 3 }, bytes('34'))).toThrow(/more than 3 bytes/);
    expect(() => parts.add('b', { id: 'x', index: 2, count: 3 }, bytes('5'))).toThrow(/anew/);
  });
});
