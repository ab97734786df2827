import { type ChangeBus, ClosedError, createHub, createJournalBus, createMemoryBus, createMemoryJournal, type Journal, UnavailableError } from '@meshwork/core';
import { describe, expect, it } from 'vitest';

const buses: readonly [string, () => () => ChangeBus][] = [
  [
    'in one process',
    () => {
      const bus = createMemoryBus();
      return () => bus.join();
    },
  ],
  [
    'over a journal',
    () => {
      const journal = createMemoryJournal();
      return () => createJournalBus({ journal });
    },
  ],
];

describe.each(buses)('hubs joined %s', (_name, open) => {
  it('hear of what changes at the others, once, and of their own changes once', async () => {
    const join = open();
    const heard: string[] = [];
    const hubs = ['a', 'b', 'c'].map((name) => {
      const hub = createHub({ bus: join() });
      hub.events.on('resource-updated', ({ uri }) => heard.push(`${name} ${uri}`));
      return hub;
    });
    // A follower begins where the journal ends once it has looked.
    await new Promise((resolve) => setTimeout(resolve, 5));
    hubs[0]?.resourceUpdated('board://here', { onlyHere: true });
    hubs[0]?.resourceUpdated('board://x');
    await expect.poll(() => heard.length).toBe(4);
    expect(heard.shift()).toBe('a board://here');
    expect(heard.toSorted()).toEqual(['a board://x', 'b board://x', 'c board://x']);
    await hubs[1]?.close();
    hubs[2]?.resourceUpdated('board://y');
    await expect.poll(() => heard.length).toBe(5);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(heard.slice(3).toSorted()).toEqual(['a board://y', 'c board://y']);
    for (const hub of hubs) await hub.close();
  });
});

describe('a bus over a journal', () => {
  it('keeps no more than the last changes, and takes no words but its own', async () => {
    const journal = createMemoryJournal();
    const [near, far] = [createJournalBus({ journal }), createJournalBus({ journal })];
    const heard: string[] = [];
    far.subscribe(({ uri }) => heard.push(uri));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await journal.append('core/changes', [null, 'x', { type: 'resource-updated' }, { type: 'other', uri: 'a://b', from: 'x' }]);
    for (let index = 0; index < 2_000; index++) near.publish({ type: 'resource-updated', uri: `a://${index}` });
    // A slow reader may miss what is dropped, never what is last.
    await expect.poll(() => heard.at(-1)).toBe('a://1999');
    expect(new Set(heard).size).toBe(heard.length);
    let kept = 0;
    for await (const _ of journal.read('core/changes')) kept += 1;
    expect(kept).toBeLessThanOrEqual(2_000);
  });

  it('reports a journal that fails, and goes on', async () => {
    const journal = createMemoryJournal();
    const errors: unknown[] = [];
    const bus = createJournalBus({ journal, onError: (error) => errors.push(error) });
    await journal.close();
    bus.publish({ type: 'resource-updated', uri: 'a://b' });
    await expect.poll(() => errors.length).toBe(1);
  });

  it('goes on after a journal that failed, and has missed nothing of what was changed meanwhile', async () => {
    const journal = createMemoryJournal();
    const failing = new Set<string>();
    let follows = 0;
    const frail: Journal = {
      ...journal,
      head: async (stream) => {
        if (failing.has('head')) throw new UnavailableError('the journal is away');
        return journal.head(stream);
      },
      async *follow(stream, options) {
        follows += 1;
        for await (const record of journal.follow(stream, options)) {
          if (failing.has('follow')) throw new UnavailableError('the journal is away');
          yield record;
        }
      },
    };
    const errors: unknown[] = [];
    const [near, far] = [createJournalBus({ journal }), createJournalBus({ journal: frail, onError: (error) => errors.push(error) })];
    const heard: string[] = [];
    const leave = far.subscribe(({ uri }) => {
      heard.push(uri);
      if (uri === 'a://1') throw new Error('a listener that fails');
    });
    await expect.poll(() => follows).toBe(1);
    near.publish({ type: 'resource-updated', uri: 'a://1' });
    await expect.poll(() => heard).toEqual(['a://1']);
    expect(errors.map(String)).toEqual(['Error: a listener that fails']);
    failing.add('follow').add('head');
    near.publish({ type: 'resource-updated', uri: 'a://2' });
    await expect.poll(() => errors.length, { timeout: 15_000 }).toBeGreaterThan(3);
    near.publish({ type: 'resource-updated', uri: 'a://3' });
    failing.clear();
    await expect.poll(() => heard, { timeout: 15_000 }).toEqual(['a://1', 'a://2', 'a://3']);
    leave();
    await journal.close();
  });

  it('tries no more once the journal is closed', async () => {
    const journal = createMemoryJournal();
    const errors: unknown[] = [];
    await journal.close();
    createJournalBus({ journal, onError: (error) => errors.push(error) }).subscribe(() => {});
    await expect.poll(() => errors).toEqual([expect.any(ClosedError)]);
  });
});
