import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeToken, encodeToken } from '../src/session-token.ts';

const vectors = fc
  .array(fc.tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })), { maxLength: 20 })
  .map((entries) => new Map(entries));

it('carries what a session has seen, in characters that a URL may hold', () => {
  fc.assert(
    fc.property(vectors, (seen) => {
      const token = encodeToken('plans', seen);
      expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(new Map([...decodeToken('plans', token)].sort())).toEqual(new Map([...seen].sort()));
    }),
  );
});

it('refuses whatever is no token of this board', () => {
  const token = encodeToken('plans', new Map([['a', 1]]));
  expect(() => decodeToken('others', token)).toThrow(/"plans", not "others"/);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.base64String(),
        fc.nat(token.length).map((length) => token.slice(0, length)),
      ),
      (text) => {
        if (text === token) return;
        expect(() => decodeToken('plans', text)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
      },
    ),
  );
});
