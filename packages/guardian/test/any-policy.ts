import fc from 'fast-check';

/** A small world with something of everything, for policies that need not make sense. */
export const worldSchema = `
entity Group in [Group];
entity Kind enum ["one", "two"];
entity User in [Group] = { name: String, age: Long, home?: ipaddr, boss?: User, kinds: Set<Kind>, nested: { deep: { long: Long } } } tags Set<Long>;
action all;
action view in [all] appliesTo { principal: [User], resource: [User], context: { now: datetime, took: duration, price: decimal, big: Long, opt?: Bool } };
`;

export const worldRequest = {
  principal: { type: 'User', id: 'u' },
  action: { type: 'Action', id: 'view' },
  resource: { type: 'User', id: 'v' },
  context: { now: '2026-01-01T12:30:00Z', took: '-1h30m', price: { __extn: { fn: 'decimal', arg: '-0.5' } }, big: Number.MAX_SAFE_INTEGER },
  entities: [
    {
      uid: { type: 'User', id: 'u' },
      attrs: {
        name: 'a*b',
        age: 3,
        home: '10.1.0.0/16',
        boss: { __entity: { type: 'User', id: 'v' } },
        kinds: [{ type: 'Kind', id: 'one' }],
        nested: { deep: { long: -1 } },
      },
      parents: [{ type: 'Group', id: 'g' }],
      tags: { t: [1, 2], a: [] },
    },
    { uid: { type: 'User', id: 'v' }, attrs: { name: 'v', age: -1, kinds: [], nested: { deep: { long: 0 } } }, parents: [] },
    { uid: { type: 'Group', id: 'g' }, attrs: {}, parents: [{ type: 'Group', id: 'h' }] },
  ],
};

const decimals = [
  '1.5',
  '-0.5',
  '0.0',
  '1.50',
  '0.1234',
  '0.12345',
  '922337203685477.5807',
  '922337203685477.5808',
  '-922337203685477.5808',
  '1.',
  '.5',
  '01.5',
  '1',
];
const ips = [
  '10.0.0.0/8',
  '10.1.0.0/16',
  '10.1.2.3',
  '127.0.0.1',
  '127.0.0.1/7',
  '127.0.0.0/8',
  '::1',
  '::1/127',
  '::',
  'ff02::1',
  'ff00::/7',
  '0.0.0.0/0',
].concat(
  [
    '1:2:3:4:5:6:7::',
    '1:2:3:4:5:6:7::8',
    '1::2::3',
    '::ffff:1.2.3.4',
    '1.2.3.4/033',
    '01.2.3.4',
    '224.0.0.0/4',
    '224.0.0.0/3',
    'fe80::/129',
    '1.2.3.4/33',
    '1.2.3',
  ],
  ['1:2:3:4:5:6:7:8::', '::FFFF', '10.1.2.3/32', '::/0', '12345::', ''],
);
const datetimes = ['2024-02-29', '2023-02-29', '0000-01-01', '0099-12-31T23:59:59.999-2359', '0099-12-31T23:59:59.999+2359', '9999-12-31T00:00:00+0000'].concat(
  [
    '2024-01-01T24:00:00Z',
    '2024-01-01T23:60:00Z',
    '2024-01-01T00:00:00+2400',
    '2024-01-01T00:00:00-0160',
    '1969-12-31T23:59:59.999Z',
    '1970-01-01',
    '1969-12-31',
  ],
  ['2026-01-01T12:30:00Z', '2024-00-01', '2024-01-01T00:00:00', '2024-1-1', '2024-02-29T00:00:00.000Z', '2024-02-29T01:00:00+0100'],
);
const durations = [
  '1d',
  '24h',
  '-1d2h3m4s5ms',
  '-1ms',
  '-1500ms',
  '1500ms',
  '0ms',
  '-0s',
  '',
  '-',
  '1h1d',
  '1x',
  '9223372036854775807ms',
  '-9223372036854775808ms',
].concat(['9223372036854775808ms', '106751991168d', '-106751991167d7h12m55s808ms', '-106751991167d7h12m55s809ms', '007d', '-1h30m']);
const longs = ['0', '1', '2', '-1', '3', '-9223372036854775808', '9223372036854775807', '9007199254740991', '9007199254740993', '4611686018427387904', '-3'];
const quoted = (texts: readonly string[]) => fc.constantFrom(...texts).map((text) => JSON.stringify(text));
const call = (name: string, texts: readonly string[]) => quoted(texts).map((text) => `${name}(${text})`);

type Name = 'bool' | 'long' | 'string' | 'uid' | 'set' | 'record' | 'ip' | 'decimal' | 'datetime' | 'duration' | 'any';

/** Cedar text of a condition: mostly of the right types, so that it gets somewhere, and now and then of a wrong one. */
export const { bool: anyCondition } = fc.letrec<Record<Name, string>>((tie) => {
  /** Where a value of a type is wanted, one of another type stands once in a while. */
  const some = (name: Name) => fc.oneof({ weight: 40, arbitrary: tie(name) }, { weight: 1, arbitrary: tie('any') });
  const method = (on: Name, names: readonly string[], ...args: Name[]) =>
    fc.tuple(some(on), fc.constantFrom(...names), ...args.map(some)).map(([value, name, ...given]) => `(${value}).${name}(${given.join()})`);
  const infix = (left: Name, names: readonly string[], right: Name = left) =>
    fc.tuple(some(left), fc.constantFrom(...names), some(right)).map(([a, name, b]) => `((${a}) ${name} (${b}))`);
  const choice = (name: Name) => fc.tuple(some('bool'), some(name), some(name)).map(([a, b, c]) => `(if ${a} then ${b} else ${c})`);
  const pick = (leaf: fc.Arbitrary<string>, ...others: fc.Arbitrary<string>[]) => fc.oneof({ maxDepth: 4, depthSize: 'small' }, leaf, ...others);
  const same = (name: Name) => infix(name, ['==', '!=']);
  const order = (name: Name) => infix(name, ['<', '<=', '>', '>=']);
  return {
    any: fc.oneof(
      { maxDepth: 4 },
      tie('bool'),
      tie('long'),
      tie('string'),
      tie('uid'),
      tie('set'),
      tie('record'),
      tie('ip'),
      tie('decimal'),
      tie('datetime'),
      tie('duration'),
    ),
    bool: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom('true', 'false', 'context.opt'),
      infix('bool', ['&&', '||']),
      some('bool').map((value) => `!(${value})`),
      choice('bool'),
      fc.oneof(order('long'), order('long'), order('datetime'), order('duration')),
      fc.oneof(same('bool'), same('long'), same('string'), same('uid'), same('set'), same('record')),
      fc.oneof(same('ip'), same('decimal'), same('datetime'), same('duration'), infix('any', ['=='])),
      infix('uid', ['in']),
      fc.tuple(some('uid'), fc.array(some('uid'), { maxLength: 3 })).map(([value, groups]) => `((${value}) in [${groups.join()}])`),
      fc
        .tuple(some('uid'), fc.constantFrom('User', 'Group', 'Action', 'User in Group::"h"', 'User in [Group::"g", User::"u"]', 'User in [1]'))
        .map(([value, type]) => `((${value}) is ${type})`),
      fc
        .tuple(
          fc.oneof(some('uid'), some('record')),
          fc.constantFrom('name', 'opt', 'a0', 'boss.home', 'boss.name', 'nested.deep.long', 'nested.x.y', 'name.x'),
        )
        .map(([value, path]) => `((${value}) has ${path})`),
      fc.tuple(some('string'), fc.constantFrom('*', 'a*', 'a\\*b', '*b', '', '*.*', '1*0*')).map(([value, pattern]) => `((${value}) like "${pattern}")`),
      method('set', ['contains'], 'any'),
      method('set', ['contains'], 'long'),
      method('set', ['containsAll', 'containsAny'], 'set'),
      method('set', ['isEmpty']),
      method('uid', ['hasTag'], 'string'),
      method('ip', ['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast']),
      method('ip', ['isInRange'], 'ip'),
      method('decimal', ['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'], 'decimal'),
    ),
    long: pick(
      fc.constantFrom(...longs, 'context.big', 'principal.age', 'principal.nested.deep.long'),
      infix('long', ['+', '-', '*']),
      some('long').map((value) => `-(${value})`),
      method('duration', ['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays']),
      choice('long'),
    ),
    string: pick(quoted(['', 'a', 'a*b', 't', 'name', '1.5', '10.0.0.0/8']), fc.constantFrom('principal.name', 'resource.name'), choice('string')),
    uid: pick(
      fc.constantFrom(
        'principal',
        'action',
        'resource',
        'principal.boss',
        'User::"u"',
        'User::"nobody"',
        'Group::"g"',
        'Group::"h"',
        'Action::"all"',
        'Kind::"one"',
      ),
      choice('uid'),
    ),
    set: pick(
      fc.constantFrom('[]', 'principal.kinds', '[1, 2]', '[2, 1, 1]', '[[1], [1, 1], []]', '[1, "1", true, [1]]', '[0,1,2,3,4,5,6,7,8,9,9]'),
      fc.array(some('long'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
      fc.array(some('any'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
      method('uid', ['getTag'], 'string'),
    ),
    record: pick(
      fc.constantFrom('context', '{}', 'principal.nested', '{deep: {long: -1}}', '{a0: 1, a1: 2}', '{a1: 2, a0: 1}'),
      fc.array(some('any'), { maxLength: 3 }).map((items) => `{${items.map((item, index) => `a${index}: ${item}`).join()}}`),
    ),
    ip: pick(call('ip', ips), fc.constant('principal.home'), choice('ip')),
    decimal: pick(call('decimal', decimals), fc.constant('context.price'), choice('decimal')),
    datetime: pick(call('datetime', datetimes), fc.constant('context.now'), method('datetime', ['toDate']), method('datetime', ['offset'], 'duration')),
    duration: pick(call('duration', durations), fc.constant('context.took'), method('datetime', ['toTime']), method('datetime', ['durationSince'], 'datetime')),
  };
});

/** Every text through its function, and every pair of them through what takes two: conditions without chance. */
export function allExtensionPairs(): string[] {
  const pairs = (name: string, texts: readonly string[], join: (a: string, b: string) => string[]) =>
    texts.flatMap((a) => texts.flatMap((b) => join(`${name}(${JSON.stringify(a)})`, `${name}(${JSON.stringify(b)})`)));
  return [
    ...pairs('ip', ips, (a, b) => [`${a} == ${b}`, `${a}.isInRange(${b})`]),
    ...ips.flatMap((ip) => ['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'].map((name) => `ip("${ip}").${name}()`)),
    ...pairs('decimal', decimals, (a, b) => [`${a} == ${b}`, `${a}.lessThan(${b})`, `${a}.lessThanOrEqual(${b})`]),
    ...pairs('datetime', datetimes, (a, b) => [`${a} == ${b}`, `${a} < ${b}`, `${a}.toDate() <= ${b}`, `${a}.toTime() > ${b}.toTime()`]),
    ...pairs('duration', durations, (a, b) => [`${a} == ${b}`, `${a} < ${b}`]),
    ...['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'].flatMap((name) =>
      durations.flatMap((text) => ['-1501', '-1', '0', '1', '24', '90'].map((than) => `duration("${text}").${name}() <= ${than}`)),
    ),
  ];
}
