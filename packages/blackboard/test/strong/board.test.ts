import { type Blackboard, createBlackboard, createKeyValueStrongStore, createQuorumStore, createStrongPeer, type StrongStore } from '@meshwork/blackboard';
import { ConflictError, createMemoryStore, InvalidInputError, type KeyValueStore, type Store, UnavailableError } from '@meshwork/core';
import { afterEach, describe, expect, it } from 'vitest';
import { enduring } from './hall.ts';

const names = ['one', 'two', 'three'];
const settings = { plans: { rules: [{ prefix: 'lock/', level: 'strong' as const }] } };
const boards = new Map<string, Blackboard>();
afterEach(async () => {
  await Promise.all([...boards.values()].map((board) => board.close()));
  boards.clear();
});

const linkTo = (from: string) => (peer: string) => ({
  peer,
  async request(message: Uint8Array) {
    const other = boards.get(peer);
    if (other === undefined) throw new UnavailableError('it is away');
    return other.peer.answer({ name: from }, message);
  },
  send() {},
});

async function openByQuorum(name: string, disk: Store = enduring(createMemoryStore())): Promise<Blackboard> {
  const strong = await createQuorumStore({ name, board: 'plans', members: names, store: disk, links: linkTo(name), place: name, resendMs: 10 });
  const board = await createBlackboard({
    name,
    store: disk,
    place: name,
    boards: settings,
    strong: () => strong,
    strongPeer: createStrongPeer({ plans: strong }),
  });
  boards.set(name, board);
  return board;
}

async function openOnStore(name: string, shared: KeyValueStore): Promise<Blackboard> {
  const strong: StrongStore = createKeyValueStrongStore({ name, board: 'plans', store: shared });
  const board = await createBlackboard({ name, store: enduring(createMemoryStore()), place: name, boards: settings, strong: () => strong });
  boards.set(name, board);
  return board;
}

describe('a board with keys of level strong', () => {
  it('shows a write at once on every hub, by quorum', async () => {
    for (const name of names) await openByQuorum(name);
    const [one, two] = names.map((name) => (boards.get(name) as Blackboard).board('plans'));
    const entry = await one?.set('lock/a', { holder: 'ann' }, { writer: 'ann' });
    expect(entry).toMatchObject({ level: 'strong', replica: 'one', writer: 'ann' });
    expect(await two?.get('lock/a')).toEqual(entry);
    expect(await two?.list('lock/')).toEqual([entry]);
    await expect(two?.compareAndSet('lock/a', entry?.version, 1)).rejects.toThrow(InvalidInputError);
    expect(await two?.delete('lock/a')).toBe(true);
    expect(await one?.get('lock/a')).toBeUndefined();
  });

  it('fails without a quorum, and goes on with the keys of other levels', async () => {
    for (const name of names) await openByQuorum(name);
    const one = (boards.get('one') as Blackboard).board('plans');
    await one.set('lock/a', 1);
    for (const name of ['two', 'three']) {
      await boards.get(name)?.close();
      boards.delete(name);
    }
    await expect(one.get('lock/a', { timeoutMs: 100 })).rejects.toThrow(UnavailableError);
    expect(await one.set('note', 1)).toMatchObject({ level: 'eventual', value: 1 });
  });

  it('compares and sets, on a store', async () => {
    const shared = enduring(createMemoryStore());
    for (const name of names) await openOnStore(name, shared);
    const [one, two] = names.map((name) => (boards.get(name) as Blackboard).board('plans'));
    const taken = await one?.compareAndSet('lock/a', undefined, 'ann');
    await expect(two?.compareAndSet('lock/a', undefined, 'bob')).rejects.toThrow(ConflictError);
    expect((await two?.compareAndSet('lock/a', taken?.version, 'bob'))?.value).toBe('bob');
  });
});
