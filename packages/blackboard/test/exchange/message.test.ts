import fc from 'fast-check';
import { expect, it } from 'vitest';
import { joinPages } from '../../src/exchange/join-pages.ts';
import { boardOf, decodeMessage, encodeMessage, type Message } from '../../src/exchange/message.ts';
import { createBoardState } from '../../src/index.ts';

const name = fc.string({ minLength: 1, maxLength: 12 });
const vector = fc.array(fc.tuple(name, fc.integer({ min: 1, max: 1e9 })), { maxLength: 6 }).map((entries) => new Map(entries));
const introduction = fc
  .record({
    replica: name,
    life: name,
    isLacking: fc.boolean(),
    levels: name,
    own: vector,
    others: fc.array(fc.record({ replica: name, beat: fc.nat(), vector })),
  })
  .map(({ replica, life, isLacking, levels, own, others }) => ({
    replica,
    life,
    isLacking,
    levels,
    acknowledged: [{ replica, beat: 7, vector: own }, ...others],
  }));
const page = fc.array(fc.tuple(fc.constantFrom('a', 'b', '__proto__'), fc.jsonValue()), { maxLength: 5 }).map((writes) => {
  const state = createBoardState({ replica: 'r' });
  for (const [key, value] of writes) state.set(key, JSON.parse(JSON.stringify(value)), { time: 1, writer: 'w' });
  return { delta: state.deltaSince(new Map()).delta, isLast: writes.length % 2 === 0 };
});
const buckets = fc.constantFrom(128, 1_024).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ board: name, kind: fc.constant('hello' as const), introduction }),
  fc.record({
    board: name,
    kind: fc.constant('welcome' as const),
    introduction,
    knowsYouAs: fc.constantFrom('active' as const, 'retired' as const, 'unknown' as const),
    digest: name,
    page: fc.option(page, { nil: undefined }),
  }),
  fc.record({
    board: name,
    kind: fc.constant('pull' as const),
    replica: name,
    since: vector,
    among: fc.option(fc.record({ buckets, seen: vector }), { nil: undefined }),
  }),
  fc.record({ board: name, kind: fc.constant('page' as const), page }),
  fc.record({
    board: name,
    kind: fc.constant('push' as const),
    introduction,
    transfer: fc.nat(),
    number: fc.nat(),
    whole: fc.option(fc.record({ comparison: name, buckets, upTo: vector }), { nil: undefined }),
    page,
  }),
  fc.record({ board: name, kind: fc.constant('taken' as const), introduction, isTaken: fc.boolean() }),
  fc.record({
    board: name,
    kind: fc.constant('compare' as const),
    replica: name,
    sums: fc.constantFrom(1_024, 4_096).chain((count) => fc.uint32Array({ minLength: count * 2, maxLength: count * 2 })),
  }),
  fc.record({ board: name, kind: fc.constant('compared' as const), comparison: name, vector, buckets }),
);

it('comes out as it went in', () => {
  fc.assert(
    fc.property(message, (one) => {
      const bytes = encodeMessage(one);
      expect(boardOf(bytes)).toBe(one.board);
      const decoded = decodeMessage(bytes, {});
      expect(encodeMessage(decoded)).toEqual(bytes);
      const { board, kind } = decoded;
      expect({ board, kind }).toEqual({ board: one.board, kind: one.kind });
      if ('introduction' in one && 'introduction' in decoded) {
        expect(decoded.introduction.acknowledged.map(({ replica, beat, vector: of }) => [replica, beat, [...of].sort()])).toEqual(
          one.introduction.acknowledged.map(({ replica, beat, vector: of }) => [replica, beat, [...of].sort()]),
        );
      }
    }),
  );
});

it('that compares other numbers of buckets than can be is refused', () => {
  const refused = expect.objectContaining({ code: 'INVALID_INPUT' });
  for (const count of [0, 8, 512, 1_032, 1_536, 131_072]) {
    const sums = new Uint32Array(count * 2);
    expect(() => decodeMessage(encodeMessage({ board: 'b', kind: 'compare', replica: 'r', sums }), {})).toThrow(refused);
    const bits = new Uint8Array(count / 8);
    expect(() => decodeMessage(encodeMessage({ board: 'b', kind: 'compared', comparison: 'c', vector: new Map(), buckets: bits }), {})).toThrow(refused);
    const among = { buckets: bits, seen: new Map() };
    expect(() => decodeMessage(encodeMessage({ board: 'b', kind: 'pull', replica: 'r', since: new Map(), among }), {})).toThrow(refused);
  }
});

it('is refused when it was cut, goes on, or is something else', () => {
  fc.assert(
    fc.property(message, fc.nat(), fc.uint8Array({ maxLength: 60 }), (one, cut, noise) => {
      const bytes = encodeMessage(one);
      const refused = expect.objectContaining({ code: 'INVALID_INPUT' });
      expect(() => decodeMessage(bytes.slice(0, cut % bytes.length), {})).toThrow(refused);
      expect(() => decodeMessage(Uint8Array.of(...bytes, 0), {})).toThrow(refused);
      expect(() => decodeMessage(Uint8Array.of(0, ...noise), {})).toThrow(refused);
    }),
  );
});

it('in pages is joined to what one page would have been, also when keys change between them', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.boolean()), { minLength: 1, maxLength: 40 }), fc.nat(40), (writes, between) => {
      const [from, into] = [createBoardState({ replica: 'from' }), createBoardState({ replica: 'into' })];
      const write = ([key, isSet]: readonly [string, boolean], time: number) =>
        isSet ? from.set(key, time, { time, writer: 'w' }) : from.delete(key, { time, writer: 'w' });
      writes.slice(0, between).forEach(write);
      const late = writes.slice(between);
      const pages = [];
      for (let since: ReadonlyMap<string, number> = new Map(), isLast = false; !isLast; ) {
        const taken = from.deltaSince(since, { maxBytes: 30 });
        ({ isLast } = taken);
        since = taken.delta.covers.to;
        pages.push(taken.delta);
        const next = late.shift();
        if (next !== undefined) write(next, 100 + pages.length);
        if (next !== undefined) isLast = false;
      }
      into.merge(joinPages(pages));
      expect(into.digest()).toBe(from.digest());
      expect([...into.context.vector]).toEqual([...from.context.vector]);
    }),
  );
});
