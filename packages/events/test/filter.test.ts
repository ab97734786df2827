import { type CloudEvent, compileFilter, type EventFilter } from '@meshwork/events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const base: CloudEvent = {
  specversion: '1.0',
  id: '1',
  source: 'urn:a',
  type: 'grant.issued',
  subject: 'g1',
  data: { agent: { id: 'ana' }, list: [1, 'two'], none: null },
};

describe('a filter', () => {
  it.each<[string, EventFilter, boolean]>([
    ['nothing', {}, true],
    ['the type', { types: ['grant.issued'] }, true],
    ['another type', { types: ['grant.issue'] }, false],
    ['the beginning of the type', { types: ['x', 'grant.*'] }, true],
    ['everything', { types: ['*'] }, true],
    ['a type that would fit as a regular expression', { types: ['grant.issue.'] }, false],
    ['type and another source', { types: ['*'], sources: ['urn:b'] }, false],
    ['the subject', { subjects: ['g1'] }, true],
    ['an empty list', { types: [] }, false],
    ['a field', { data: [{ pointer: '/agent/id', oneOf: ['bo', 'ana'] }] }, true],
    ['a whole object', { data: [{ pointer: '/agent', oneOf: [{ id: 'ana' }] }] }, true],
    ['an item', { data: [{ pointer: '/list/1', oneOf: ['two'] }] }, true],
    ['an item that is written otherwise', { data: [{ pointer: '/list/01', oneOf: ['two'] }] }, false],
    ['what arrays have beside items', { data: [{ pointer: '/list/length', oneOf: [2] }] }, false],
    ['what objects inherit', { data: [{ pointer: '/constructor/name', oneOf: ['Object'] }] }, false],
    ['null where null is', { data: [{ pointer: '/none', oneOf: [null] }] }, true],
    ['null where nothing is', { data: [{ pointer: '/nowhere', oneOf: [null] }] }, false],
    [
      'two fields of which one differs',
      {
        data: [
          { pointer: '/agent/id', oneOf: ['ana'] },
          { pointer: '/list/0', oneOf: ['1'] },
        ],
      },
      false,
    ],
  ])('with %s: %j fits is %s', (_what, filter, fits) => {
    expect(compileFilter(filter)(base)).toBe(fits);
  });

  it('asks for a subject in vain where there is none', () => {
    const { subject: _subject, ...event } = base;
    expect(compileFilter({ subjects: ['*'] })(event as CloudEvent)).toBe(false);
  });

  it.each<[string, EventFilter]>([
    ['a * in the middle', { types: ['a*b'] }],
    ['an empty entry', { sources: [''] }],
    ['a pointer without a slash', { data: [{ pointer: 'a', oneOf: [1] }] }],
    ['a pointer with a broken escape', { data: [{ pointer: '/a~2', oneOf: [1] }] }],
    ['too many entries', { types: Array.from({ length: 65 }, String) }],
  ])('is refused with %s', (_what, filter) => {
    expect(() => compileFilter(filter)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  it('agrees with a plain reading of its rules', () => {
    const word = fc.constantFrom('a', 'a.b', 'a.b.c', 'b', 'b.a');
    const entry = fc.oneof(
      word,
      word.map((text) => `${text}*`),
    );
    const scalar = fc.constantFrom<string | number | null | boolean>('x', 1, null, true);
    const key = fc.constantFrom('k', 'a/b', 'm~n');
    const event = fc.record({
      type: word,
      source: word,
      subject: fc.option(word, { nil: undefined }),
      data: fc.dictionary(key, fc.oneof(scalar, fc.dictionary(key, scalar)), { noNullPrototype: true }),
    });
    const filter = fc.record(
      {
        types: fc.array(entry, { maxLength: 3 }),
        sources: fc.array(entry, { maxLength: 3 }),
        subjects: fc.array(entry, { maxLength: 3 }),
        path: fc.array(key, { minLength: 1, maxLength: 2 }),
        oneOf: fc.array(scalar, { maxLength: 2 }),
      },
      { requiredKeys: ['path'] },
    );
    fc.assert(
      fc.property(event, filter, ({ subject, ...rest }, { path, oneOf, ...lists }) => {
        const built = { specversion: '1.0', id: '1', ...rest, ...(subject !== undefined && { subject }) } as CloudEvent;
        const pointer = path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
        const asked = { ...lists, ...(oneOf && { data: [{ pointer, oneOf }] }) } as EventFilter;
        expect(compileFilter(asked)(built)).toBe(plainReading(built, lists, path, oneOf));
      }),
      { numRuns: 2_000 },
    );
  });
});

function plainReading(
  event: CloudEvent,
  lists: { types?: string[]; sources?: string[]; subjects?: string[] },
  path: string[],
  oneOf: unknown[] | undefined,
): boolean {
  const pairs: [string[] | undefined, string | undefined][] = [
    [lists.types, event.type],
    [lists.sources, event.source],
    [lists.subjects, event.subject],
  ];
  for (const [entries, value] of pairs) {
    if (entries === undefined) continue;
    let isIn = false;
    for (const entry of entries)
      if (value !== undefined && (entry.endsWith('*') ? value.slice(0, entry.length - 1) === entry.slice(0, -1) : entry === value)) isIn = true;
    if (!isIn) return false;
  }
  if (oneOf === undefined) return true;
  let found: unknown = event.data;
  for (const step of path) found = typeof found === 'object' && found !== null ? Object.entries(found).find(([name]) => name === step)?.[1] : undefined;
  return found !== undefined && oneOf.includes(found);
}
