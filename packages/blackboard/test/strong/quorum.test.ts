import { createStrongPeer } from '@meshwork/blackboard';
import { ClosedError, createMemoryStore, InvalidInputError, NotDurableError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { enduring, type Hall, openHall } from './hall.ts';

const three = ['one', 'two', 'three'];
const longest = () => ({ signal: AbortSignal.timeout(30_000) });
/** For what cannot be had: whoever waits for it waits no longer. */
const briefly = () => ({ signal: AbortSignal.timeout(150) });
const write = (key: string, value: number | string | undefined) => ({ key, value, writer: 'ann', time: 7 });

let hall: Hall;
afterEach(() => hall?.close());

describe('a register of three members', () => {
  it('is read everywhere as it was written last, with who wrote it', async () => {
    hall = await openHall(three, { members: three });
    const { one, three: third } = { one: hall.hub('one'), three: hall.hub('three') };
    expect(await one.read('plan', longest())).toBeUndefined();
    const first = await one.write(write('plan', 1), longest());
    expect(await third.read('plan', longest())).toEqual({
      key: 'plan',
      value: 1,
      version: first.version,
      writer: 'ann',
      replica: 'one',
      time: 7,
    });
    const second = await third.write(write('plan', 2), longest());
    expect(second.version).not.toBe(first.version);
    expect((await hall.hub('two').read('plan', longest()))?.value).toBe(2);
  });

  it('reads as deleted once it is, and is left out of lists', async () => {
    hall = await openHall(three, { members: three });
    await hall.hub('one').write(write('plan', 1), longest());
    await hall.hub('two').write(write('plan', undefined), longest());
    expect(await hall.hub('three').read('plan', longest())).toMatchObject({ key: 'plan', value: undefined });
    expect(await hall.hub('three').list('', longest())).toEqual([]);
  });

  it('carries every JSON value and key as it is', async () => {
    hall = await openHall(three, { members: three });
    const values = fc.jsonValue({ depthSize: 'small' }).map((value) => JSON.parse(JSON.stringify(value)));
    const keys = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'a/b', '\u{1f600}', '\uffff'), fc.string({ unit: 'grapheme', minLength: 1 }));
    await fc.assert(
      fc.asyncProperty(keys, values, async (key, value) => {
        await hall.hub('one').write({ ...write(key, 0), value }, longest());
        expect((await hall.hub('two').read(key, longest()))?.value).toEqual(value);
      }),
      { numRuns: 60 },
    );
  });

  it('is read and written by a hub that is no member', async () => {
    hall = await openHall([...three, 'guest'], { members: three });
    await hall.hub('guest').write(write('plan', 1), longest());
    expect((await hall.hub('guest').read('plan', longest()))?.value).toBe(1);
  });

  it('tells the members of what was written', async () => {
    hall = await openHall(three, { members: three });
    const heard: string[] = [];
    hall.hub('two').onChange(() => {
      throw new Error('a listener of somebody else');
    });
    const stop = hall.hub('two').onChange((key) => heard.push(key));
    await hall.hub('one').write(write('plan', 1), longest());
    await expect.poll(() => heard).toEqual(['plan']);
    stop();
    await hall.hub('one').write(write('plan', 2), longest());
    await hall.hub('two').read('plan', longest());
    expect(heard).toEqual(['plan']);
  });

  it('goes on without one member, and brings it up to date as it is read', async () => {
    hall = await openHall(three, { members: three });
    await hall.hub('one').read('plan', longest());
    hall.part(['one', 'two'], ['three']);
    await hall.hub('one').write(write('plan', 1), longest());
    hall.part(['two', 'three'], ['one']);
    expect((await hall.hub('three').read('plan', longest()))?.value).toBe(1);
    hall.part(['three', 'one'], ['two']);
    await hall.restart('one', { isWiped: true });
    await expect(hall.hub('three').read('plan', briefly())).rejects.toThrow(UnavailableError);
    hall.part(['three', 'two'], ['one']);
    expect((await hall.hub('two').read('plan', longest()))?.value).toBe(1);
  });
});

describe('a list', () => {
  it('has each key under a prefix, in the order of code units, in pages', async () => {
    hall = await openHall(three, { members: three });
    const keys = ['b', 'a/\u{1f600}', 'a/\uffff', 'a/2', 'a/1', 'a'];
    for (const key of keys) await hall.hub('one').write(write(key, key), longest());
    expect((await hall.hub('two').list('a/', longest())).map(({ key }) => key)).toEqual(['a/1', 'a/2', 'a/\u{1f600}', 'a/\uffff']);
    expect((await hall.hub('two').list('a/', { ...longest(), after: 'a/1', limit: 2 })).map(({ value }) => value)).toEqual(['a/2', 'a/\u{1f600}']);
  });

  it('has thousands of keys, of which no member has all', async () => {
    hall = await openHall(three, { members: three });
    await hall
      .hub('one')
      .read('', longest())
      .catch(() => {});
    await hall.hub('one').read('plan', longest());
    const keys = Array.from({ length: 2_500 }, (_, index) => `task/${String(index).padStart(4, '0')}`);
    for (const [turn, away] of three.entries()) {
      const there = three.filter((name) => name !== away);
      hall.part(there, [away]);
      const writer = hall.hub(there[0] as string);
      await Promise.all(keys.filter((_, index) => index % 3 === turn).map((key) => writer.write(write(key, key), longest())));
    }
    hall.part();
    expect((await hall.hub('three').list('task/', longest())).map(({ key }) => key)).toEqual(keys);
    expect((await hall.hub('three').list('task/', { ...longest(), limit: 1_200 })).map(({ key }) => key)).toEqual(keys.slice(0, 1_200));
  });
});

describe('a write that came to one member only', () => {
  const STORE = 0x43;

  it.each([
    ['read', async (name: string) => (await hall.hub(name).read('plan', longest()))?.value],
    ['listed', async (name: string) => (await hall.hub(name).list('', longest())).at(0)?.value],
  ])('stays once it was %s', async (_how, look) => {
    hall = await openHall([...three, 'guest'], { members: three });
    await hall.hub('guest').read('plan', longest());
    hall.meddle = (from, to, message) => {
      if (from === 'guest' && message[1] === STORE && to !== 'one') throw new UnavailableError('lost');
      return message;
    };
    await expect(hall.hub('guest').write(write('plan', 1), briefly())).rejects.toThrow(UnknownOutcomeError);
    hall.part(['one', 'two'], ['three']);
    expect(await look('two')).toBe(1);
    hall.part(['two', 'three'], ['one']);
    expect(await look('three')).toBe(1);
  });
});

describe('without a majority', () => {
  it('reads and writes fail, and say who did not answer', async () => {
    hall = await openHall(three, { members: three });
    await hall.hub('one').write(write('plan', 1), longest());
    hall.part(['one'], ['two'], ['three']);
    await expect(hall.hub('one').read('plan', briefly())).rejects.toThrow(/1 of 3 members answered in time and 2 are needed.*"three".*"two"/);
    await expect(hall.hub('one').write(write('plan', 2), briefly())).rejects.toThrow(UnavailableError);
    await expect(hall.hub('one').list('', briefly())).rejects.toThrow(UnavailableError);
    hall.part();
    expect((await hall.hub('two').read('plan', longest()))?.value).toBe(1);
  });

  it('a write that may have been stored is one of which nobody knows', async () => {
    hall = await openHall(three, { members: three });
    await hall.hub('one').read('plan', longest());
    const STORE = 0x43;
    hall.meddle = (_from, _to, message) => {
      if (message[1] === STORE) throw new UnavailableError('lost');
      return message;
    };
    const failure = hall.hub('one').write(write('plan', 2), briefly());
    await expect(failure).rejects.toThrow(UnknownOutcomeError);
    await expect(failure).rejects.toThrow(/"plan" may have happened/);
  });

  it('nothing is written before every member has said which storage it has', async () => {
    hall = await openHall(['one', 'two'], { members: three });
    await expect(hall.hub('one').write(write('plan', 1), briefly())).rejects.toThrow(/"three"/);
    await hall.start('three');
    await hall.hub('one').write(write('plan', 1), longest());
  });
});

describe('a member', () => {
  it('is not counted when it has lost its storage', async () => {
    hall = await openHall(three, { members: three });
    await hall.hub('one').write(write('plan', 1), longest());
    const before = hall.hub('two').status.member;
    await hall.restart('two', { isWiped: true });
    expect(hall.hub('two').status.member).not.toBe(before);
    expect((await hall.hub('two').read('plan', longest()))?.value, 'as a guest it reads').toBe(1);
    await hall.restart('three', { isWiped: true });
    await expect(hall.hub('two').read('plan', briefly())).rejects.toThrow(/has lost its storage/);
    await expect(hall.hub('one').read('plan', briefly())).rejects.toThrow(UnavailableError);
  });

  it('is another one where its storage was copied to another place', async () => {
    hall = await openHall(three, { members: three, place: 'here' });
    await hall.hub('one').write(write('plan', 1), longest());
    const before = hall.hub('two').status.member;
    await hall.restart('two');
    expect(hall.hub('two').status.member).toBe(before);
    await hall.restart('two', { place: 'there' });
    expect(hall.hub('two').status.member).not.toBe(before);
    hall.part(['one', 'two'], ['three']);
    await expect(hall.hub('one').read('plan', briefly())).rejects.toThrow(/has lost its storage or is no member/);
  });

  it('does not answer others that are set up with other members', async () => {
    hall = await openHall(three, { members: three });
    await hall.hub('one').write(write('plan', 1), longest());
    const other = await hall.start('four', { members: ['one', 'four'] });
    await expect(other.read('plan', briefly())).rejects.toThrow(/give all hubs the same members/);
    await expect(hall.restart('one', { members: ['one', 'two'] }).then((hub) => hub.read('plan', briefly()))).rejects.toThrow(
      /kept by "one", "three", "two" and this hub is set up with "one", "two"/,
    );
  });

  it('is waited for with the storage it had when the members were written down', async () => {
    hall = await openHall(three, { members: three });
    let restarting: Promise<unknown> | undefined;
    hall.meddle = (_from, to, message) => {
      const OFFERS = 8;
      if (restarting === undefined && to === 'three' && message[1] === 0x40 && message[OFFERS] === 1) {
        restarting = hall.restart('three', { isWiped: true });
        throw new UnavailableError('its disk is gone');
      }
      return message;
    };
    await expect(hall.hub('one').write(write('plan', 1), longest())).rejects.toThrow(/"three" has lost its storage since the members were written down/);
    await restarting;
  });

  it('refuses who reckons with other storages of the same hubs', async () => {
    hall = await openHall(three, { members: three });
    let query: Uint8Array | undefined;
    hall.meddle = (_from, to, message) => {
      if (to === 'two' && message[1] === 0x41) query = message.slice();
      return message;
    };
    await hall.hub('one').read('plan', longest());
    await expect.poll(() => query).toBeDefined();
    const message = query as Uint8Array;
    expect((await hall.hub('two').answer({ name: 'one' }, message))[1]).toBe(0x61);
    const hash = /[0-9a-f]{16}/.exec(Buffer.from(message).toString('latin1'))?.index ?? 0;
    message.set(new TextEncoder().encode('0123456789abcdef'), hash);
    expect(await hall.hub('two').answer({ name: 'one' }, message)).toEqual(Uint8Array.of(1, 0x63, 3));
  });

  it('has after a restart what it acknowledged, and keeps no history', async () => {
    hall = await openHall(['one'], { members: ['one'] });
    for (let round = 0; round < 60; round++)
      await Promise.all(Array.from({ length: 100 }, (_, index) => hall.hub('one').write(write(`key/${index}`, `${round}.${index}`), longest())));
    let records = 0;
    for await (const _ of hall.disk('one').read('blackboard/one/strong/plans')) records++;
    expect(records).toBeLessThan(3_000);
    await hall.restart('one');
    const list = await hall.hub('one').list('', longest());
    expect(list.map(({ value }) => value).sort()).toEqual(Array.from({ length: 100 }, (_, index) => `59.${index}`).sort());
  });

  it('is written by the later of two processes only', async () => {
    hall = await openHall(['one'], { members: ['one'] });
    const earlier = hall.hub('one');
    await earlier.write(write('plan', 1), longest());
    const later = await hall.start('one');
    await later.write(write('plan', 2), longest());
    await expect(earlier.write(write('other', 3), briefly())).rejects.toThrow(/another process writes/);
    expect(await later.read('other', longest())).toBeUndefined();
    expect((await later.read('plan', longest()))?.value).toBe(2);
    await earlier.close();
  });

  it('refuses a disk that may lose what it acknowledged', async () => {
    hall = await openHall([], { members: three });
    await expect(hall.start('one', { store: createMemoryStore() })).rejects.toThrow(NotDurableError);
    await expect(hall.start('one', { epochs: createMemoryStore() })).rejects.toThrow(NotDurableError);
    await hall.start('one', { store: createMemoryStore(), epochs: createMemoryStore(), allowVolatile: true });
  });
});

describe('what nobody can keep', () => {
  it.each([
    ['no key', { ...write('', 1) }],
    ['half a surrogate pair', { ...write('\ud800', 1) }],
    ['a key that is too long', { ...write('k'.repeat(1_025), 1) }],
    ['a value that is too large', { ...write('k', 'v'.repeat(1_048_577)) }],
    ['a time before all times', { ...write('k', 1), time: -1 }],
    ['half of a writer', { ...write('k', 1), writer: '\udc00' }],
  ])('is refused: %s', async (_what, refused) => {
    hall = await openHall(['one'], { members: ['one'] });
    await expect(hall.hub('one').write(refused, longest())).rejects.toThrow(InvalidInputError);
  });

  it('is refused: compare-and-set, with what to use in its place', async () => {
    hall = await openHall(['one'], { members: ['one'] });
    await expect(hall.hub('one').compareAndSet(write('plan', 1), undefined, longest())).rejects.toThrow(/createKeyValueStrongStore/);
  });

  it('is refused: a hub twice among the members, or none', async () => {
    hall = await openHall([], { members: three });
    await expect(hall.start('one', { members: ['one', 'one'] })).rejects.toThrow(InvalidInputError);
    await expect(hall.start('one', { members: [] })).rejects.toThrow(InvalidInputError);
  });

  it('nothing is done once the board is closed', async () => {
    hall = await openHall(['one'], { members: ['one'] });
    const hub = hall.hub('one');
    await hub.close();
    await expect(hub.read('plan', longest())).rejects.toThrow(ClosedError);
    await expect(hub.write(write('plan', 1), longest())).rejects.toThrow(ClosedError);
  });
});

describe('bytes of a peer', () => {
  it('change nothing and end nothing when they are none of ours', { timeout: 60_000 }, async () => {
    hall = await openHall(three, { members: three, epochs: enduring(createMemoryStore()) });
    const sent: Uint8Array[] = [];
    hall.meddle = (_from, _to, message) => {
      sent.push(message.slice());
      return message;
    };
    await hall.hub('one').write(write('plan', 1), longest());
    await hall.hub('one').list('', longest());
    await hall.hub('one').changeMembers(['one', 'two'], longest());
    hall.meddle = (_from, _to, message) => message;
    expect(new Set(sent.map((message) => message[1])).size, 'all kinds').toBe(6);

    const damaged = fc
      .record({ message: fc.constantFrom(...sent), at: fc.nat(), value: fc.integer({ min: 0, max: 255 }), cut: fc.nat() })
      .map(({ message, at, value, cut }) => {
        const copy = message.slice(0, cut % 3 === 0 ? cut % message.length : message.length);
        if (copy.length > 0) copy[at % copy.length] = value;
        return copy;
      });
    const target = hall.hub('three');
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, fc.uint8Array({ maxLength: 60 })), async (message) => {
        const answer = await target.answer({ name: 'mallory' }, message).catch((error: unknown) => error);
        expect(answer instanceof Uint8Array || answer instanceof InvalidInputError).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    expect((await hall.hub('two').read('plan', longest()))?.key).toBe('plan');
  });

  it('that go together are answered together, or refused together', async () => {
    hall = await openHall(three, { members: three });
    let batch: Uint8Array | undefined;
    hall.meddle = (_from, to, message) => {
      if (to === 'two' && message[1] === 0x46) batch = message.slice();
      return message;
    };
    await Promise.all(Array.from({ length: 40 }, (_, index) => hall.hub('one').write(write(`key/${index}`, index), longest())));
    await expect.poll(() => batch).toBeDefined();
    const message = batch as Uint8Array;
    expect((await hall.hub('two').answer({ name: 'one' }, message))[1]).toBe(0x64);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: message.length - 1 }), fc.integer({ min: 0, max: 255 }), async (at, value) => {
        const damaged = message.with(at, value);
        const answer = await hall
          .hub('two')
          .answer({ name: 'mallory' }, damaged)
          .catch((error: unknown) => error);
        expect(answer instanceof Uint8Array || answer instanceof InvalidInputError).toBe(true);
      }),
      { numRuns: 1_000 },
    );
    const nested = Uint8Array.of(1, 0x46, 5, ...new TextEncoder().encode('plans'), 1, 9, 1, 0x46, 5, ...new TextEncoder().encode('plans'), 0);
    await expect(hall.hub('two').answer({ name: 'one' }, nested)).rejects.toThrow(/a batch holds a batch/);
    expect((await createStrongPeer({ plans: hall.hub('two') }).answer({ name: 'one' }, message))[1]).toBe(0x64);
  });

  it('that are silent hold up no others', async () => {
    hall = await openHall(three, { members: three });
    await hall.hub('one').read('plan', longest());
    const answer = hall.hub('two').answer;
    let isSilent = true;
    (hall.hub('two') as { answer: typeof answer }).answer = (from, message) => (isSilent ? new Promise(() => {}) : answer(from, message));
    hall.part(['one', 'two'], ['three']);
    const waiting = Array.from({ length: 20 }, (_, index) => hall.hub('one').write(write(`key/${index}`, index), longest()));
    await expect(hall.hub('one').read('plan', briefly())).rejects.toThrow(UnavailableError);
    isSilent = false;
    await Promise.all(waiting);
  });

  it('go to the board they are about, and to no other', async () => {
    hall = await openHall(['one'], { members: ['one'] });
    const peer = createStrongPeer({ plans: hall.hub('one') });
    const hello = (board: string) => Uint8Array.of(1, 0x40, board.length, ...new TextEncoder().encode(board), 0, 0);
    expect((await peer.answer({ name: 'two' }, hello('plans')))[1]).toBe(0x60);
    await expect(peer.answer({ name: 'two' }, hello('a'))).rejects.toThrow(/no registers of the board "a"/);
    await expect(hall.hub('one').answer({ name: 'two' }, hello('a'))).rejects.toThrow(/board "a" came to "plans"/);
    for (const bytes of [[], [1], [1, 0x3f, 0], [1, 0x80, 0], [2, 0x40, 0]])
      await expect(peer.answer({ name: 'two' }, Uint8Array.from(bytes))).rejects.toThrow(InvalidInputError);
  });
});
