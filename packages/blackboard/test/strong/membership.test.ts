import type { QuorumStoreOptions } from '@meshwork/blackboard';
import { createMemoryStore, InvalidInputError, type KeyValueStore, UnavailableError } from '@meshwork/core';
import { collect } from '@meshwork/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enduring, type Hall, openHall } from './hall.ts';

const all = ['one', 'two', 'three', 'four', 'five'];
const members = ['one', 'two', 'three'];
const longest = () => ({ signal: AbortSignal.timeout(30_000) });
const briefly = () => ({ signal: AbortSignal.timeout(250) });
const write = (key: string, value: number) => ({ key, value, writer: 'ann', time: 7 });
const STORE = 0x43;
const FREEZE = 0x44;

let hall: Hall;
let epochs: KeyValueStore;
beforeEach(async () => {
  epochs = enduring(createMemoryStore());
  hall = await openHall(all, { members, epochs });
});
afterEach(() => hall.close());

describe('members that are changed', () => {
  it('have what was written before, so that the old ones can go', async () => {
    for (const key of ['a', 'b']) await hall.hub('one').write(write(key, 1), longest());
    await hall.hub('four').changeMembers(['four', 'five', 'three'], longest());
    hall.part(['four', 'five']);
    expect((await hall.hub('four').list('', longest())).map(({ key, value }) => [key, value])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
    await hall.hub('five').write(write('a', 2), longest());
    hall.part();
    expect((await hall.hub('one').read('a', longest()))?.value, 'who did not know of the change finds out').toBe(2);
    expect(hall.hub('one').status.epoch).toMatchObject({ number: 2, members: [{ name: 'five' }, { name: 'four' }, { name: 'three' }] });
  });

  it('are admitted again after they have lost their storage', async () => {
    await hall.hub('one').write(write('a', 1), longest());
    await hall.restart('three', { isWiped: true });
    await hall.hub('three').changeMembers(members, longest());
    await hall.restart('two', { isWiped: true });
    hall.part(['one', 'three'], ['two']);
    expect((await hall.hub('three').read('a', longest()))?.value).toBe(1);
    await expect(hall.hub('one').changeMembers(['one', 'four', 'five'], briefly())).rejects.toThrow(UnavailableError);
  });

  it('stay as they are when nothing is to be changed', async () => {
    await hall.hub('one').write(write('a', 1), longest());
    await hall.hub('one').changeMembers([...members].reverse(), longest());
    expect(hall.hub('one').status.epoch?.number).toBe(1);
  });

  it('cannot be changed without a majority of those before', async () => {
    await hall.hub('one').write(write('a', 1), longest());
    hall.part(['one', 'four', 'five'], ['two', 'three']);
    await expect(hall.hub('four').changeMembers(['one', 'four', 'five'], briefly())).rejects.toThrow(UnavailableError);
    hall.part();
    expect((await hall.hub('two').read('a', longest()))?.value, 'whoever needs it completes the change').toBe(1);
    expect(hall.hub('two').status.epoch?.number).toBe(2);
  });

  it('may be others than was begun, when those cannot be reached', async () => {
    await hall.hub('one').write(write('a', 1), longest());
    hall.meddle = (_from, to, message) => {
      if (message[1] === FREEZE) hall.part(['one', 'two', 'three']);
      return to === 'nobody' ? new Uint8Array() : message;
    };
    await expect(hall.hub('one').changeMembers(['four', 'five'], briefly())).rejects.toThrow(UnavailableError);
    hall.meddle = (_from, _to, message) => message;
    await hall.hub('two').changeMembers(['two', 'three'], longest());
    expect((await hall.hub('three').read('a', longest()))?.value).toBe(1);
  });

  it('cannot be changed where they are fixed', async () => {
    const fixed = await openHall(['one'], { members: ['one'] });
    await expect(fixed.hub('one').changeMembers(['one'], longest())).rejects.toThrow(InvalidInputError);
    await fixed.close();
  });

  it('are not taken from a record that went back', async () => {
    await hall.hub('one').write(write('a', 1), longest());
    const [entry] = await collect(epochs.list(''));
    await hall.hub('one').changeMembers(['one', 'two'], longest());
    if (entry !== undefined) await epochs.put(entry.key, entry.value);
    hall.part(['one'], ['two']);
    await expect(hall.hub('one').changeMembers(['one'], briefly())).rejects.toThrow(/gone back to an earlier epoch/);
  });
});

describe('in the middle of a change', () => {
  it('a member that was frozen stays so after a restart', async () => {
    await hall.hub('one').write(write('a', 1), longest());
    hall.part(['two', 'three', 'four', 'five'], ['one']);
    await hall.hub('three').changeMembers(['three', 'four', 'five'], longest());
    await hall.restart('two');
    hall.part(['one', 'two'], ['three', 'four', 'five']);
    await expect(hall.hub('one').write(write('a', 2), briefly())).rejects.toThrow(UnavailableError);
    hall.part();
    expect((await hall.hub('four').read('a', longest()))?.value).toBe(1);
  });

  it('a member takes nothing more while its being frozen is on the way to its disk', async () => {
    await hall.hub('one').write(write('a', 1), longest());
    hall.part(['two', 'three', 'four', 'five'], ['one']);
    hall.gate('two').shut();
    const changing = hall.hub('three').changeMembers(['three', 'four', 'five'], longest());
    await expect.poll(() => hall.gate('two').waiting).toBe(1);
    hall.part(['one', 'two'], ['two', 'three', 'four', 'five']);
    const writing = hall.hub('one').write(write('a', 2), longest());
    await Promise.race([writing, new Promise((resolve) => setTimeout(resolve, 100))]);
    hall.gate('two').letOne();
    await changing;
    hall.gate('two').open();
    await Promise.race([writing, new Promise((resolve) => setTimeout(resolve, 100))]);
    hall.part();
    await writing;
    expect((await hall.hub('four').read('a', longest()))?.value).toBe(2);
  });

  it('a write keeps its place among the others, and never happens twice', async () => {
    await hall.hub('one').read('a', longest());
    // It comes to one member only, and to none that is asked again before the change.
    hall.meddle = (from, to, message) => {
      if (from === 'five' && message[1] === STORE && to !== 'one') throw new UnavailableError('lost');
      return message;
    };
    const slow = hall.hub('five').write(write('a', 1), longest());
    await expect.poll(async () => (await hall.hub('one').list('', longest())).length).toBe(1);
    hall.part(['one', 'two', 'three', 'four']);
    await hall.hub('four').changeMembers(['one', 'two', 'four'], longest());
    expect((await hall.hub('four').read('a', longest()))?.value).toBe(1);
    await hall.hub('four').write(write('a', 2), longest());
    hall.meddle = (_from, _to, message) => message;
    // Without the third, the old members cannot acknowledge it any more.
    hall.part(['one', 'two', 'four', 'five']);
    await slow;
    expect((await hall.hub('two').read('a', longest()))?.value).toBe(2);
  });

  it('others go on where the hub that began it has stopped', async () => {
    await hall.hub('one').write(write('a', 1), longest());
    let isStopped = false;
    hall.meddle = (from, _to, message) => {
      if (from === 'five' && (isStopped || message[1] === FREEZE)) {
        isStopped = true;
        throw new UnavailableError('it has crashed');
      }
      return message;
    };
    const options: Partial<QuorumStoreOptions> = { takeOverMs: 50 };
    await hall.restart('four', options);
    const begun = hall
      .hub('five')
      .changeMembers(['one', 'four'], longest())
      .catch((error: unknown) => error);
    await expect.poll(() => isStopped).toBe(true);
    await hall.hub('five').close();
    await begun;
    await hall.hub('four').changeMembers(['one', 'two', 'four'], longest());
    expect(hall.hub('four').status.epoch?.members.map(({ name }) => name)).toEqual(['four', 'one', 'two']);
    expect((await hall.hub('four').read('a', longest()))?.value).toBe(1);
  });
});
