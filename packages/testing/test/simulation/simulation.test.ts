import { UnavailableError, UnknownOutcomeError, within } from '@meshwork/core';
import { createSimulation, type Machine } from '@meshwork/testing/simulation';
import { describe, expect, it } from 'vitest';

const bytes = (text: string) => new TextEncoder().encode(text);
const never = new AbortController().signal;
const machineOf = (machine: Machine) => machine;

describe('time', () => {
  it('passes for the waiting of core, and takes none for real', async () => {
    const simulation = createSimulation({ seed: 1 });
    await simulation.run(async () => {
      await simulation.elapse(1_000);
      const late = within(3_600_000, new Promise(() => {}), () => new Error('too late'));
      await expect(late).rejects.toThrow('too late');
      expect(simulation.now()).toBe(3_601_000);
      expect(performance.now()).toBe(3_601_000);
      expect(AbortSignal.timeout(5).aborted).toBe(false);
    });
    expect(Date.now()).toBeGreaterThan(Date.UTC(2026, 0, 1) + 3_601_000);
  });

  it('waits until everything that can go on has', async () => {
    const simulation = createSimulation({ seed: 1 });
    await simulation.run(async () => {
      let steps = 0;
      const work = async () => {
        for (; steps < 10_000; steps++) await undefined;
        return simulation.now();
      };
      const [at] = await Promise.all([work(), simulation.elapse(1)]);
      expect([steps, at]).toEqual([10_000, 0]);
    });
  });

  it('is each node’s own: clocks jump and drift, and timers with them', async () => {
    const simulation = createSimulation({ seed: 1 });
    await simulation.run(async () => {
      const right = simulation.node('right', machineOf);
      const wrong = simulation.node('wrong', machineOf);
      wrong.clock.jump(-5_000);
      wrong.clock.drift(100_000);
      await simulation.elapse(10_000);
      const [a, b] = await Promise.all([right, wrong].map((node) => node.call(({ clock }) => [clock.now(), clock.monotonic(), Date.now()])));
      expect(b![0]! - a![0]!).toBe(-4_000);
      expect(b![1]! - a![1]!).toBeCloseTo(1_000);
      expect([a![2], b![2]]).toEqual([a![0], b![0]]);
      const start = simulation.now();
      await wrong.call(() => new Promise((resolve) => setTimeout(resolve, 1_100)));
      expect(simulation.now() - start).toBeCloseTo(1_000);
      wrong.clock.correct();
      expect(await wrong.call(({ clock }) => clock.now())).toBe(await right.call(({ clock }) => clock.now()));
    });
  });

  it('is over when nothing is left to happen, or too much happens', async () => {
    const stuck = createSimulation({ seed: 77 });
    await expect(stuck.run(() => new Promise(() => {}))).rejects.toThrow(/seed 77 failed[\s\S]*nothing is left/);
    const busy = createSimulation({ seed: 78, maxEvents: 100 });
    const work = () => {
      setInterval(() => {}, 1);
      return new Promise(() => {});
    };
    await expect(busy.run(work)).rejects.toThrow(/seed 78 failed[\s\S]*more than 100 events/);
    const fine = createSimulation({ seed: 79 });
    await expect(fine.run(() => createSimulation({ seed: 80 }).run(async () => {}))).rejects.toThrow('one after the other');
    expect(await fine.run(async () => 'and again')).toBe('and again');
  });
});

describe('the network', () => {
  it('carries messages, requests and answers, and repeats, loses and reorders them when told to', async () => {
    const simulation = createSimulation({ seed: 3, network: { duplication: 0.5, loss: 0.2 } });
    const heard: string[] = [];
    await simulation.run(async () => {
      simulation.node('b', ({ network }) =>
        network.listen({
          hear: (from, message) => void heard.push(`${from.name}:${new TextDecoder().decode(message)}`),
          answer: async (_from, message) => bytes(`${new TextDecoder().decode(message)}!`),
        }),
      );
      const a = simulation.node('a', ({ network }) => network.link('b'));
      await simulation.elapse(1);
      await a.call((link) => {
        for (let index = 0; index < 100; index++) link.send(bytes(`${index}`));
      });
      await simulation.elapse(100);
      simulation.network.set({ loss: 0 });
      expect(await a.call(async (link) => new TextDecoder().decode(await link.request(bytes('hello'), { signal: never })))).toBe('hello!');
    });
    const { dropped, duplicated, reordered, delivered } = simulation.counters;
    for (const count of [dropped, duplicated, reordered]) expect(count).toBeGreaterThan(5);
    expect(heard.length).toBeGreaterThan(100);
    expect(new Set(heard).size).toBe(100 - dropped);
    expect(delivered).toBeGreaterThan(heard.length);
    expect(heard).not.toEqual(heard.toSorted((one, other) => Number(one.slice(2)) - Number(other.slice(2))));
  });

  it('cuts one way, parts groups, and heals', async () => {
    const simulation = createSimulation({ seed: 3 });
    await simulation.run(async () => {
      const nodes = ['a', 'b', 'c'].map((name) =>
        simulation.node(name, ({ network }) => {
          const heard = new Set<string>();
          network.listen({ hear: (from) => void heard.add(from.name) });
          const tell = () => {
            for (const peer of ['a', 'b', 'c']) if (peer !== name) network.link(peer).send(bytes('hi'));
          };
          return { heard, tell };
        }),
      );
      await simulation.elapse(1);
      const whoHeardWhom = async () => {
        for (const node of nodes) await node.call(({ heard }) => heard.clear());
        for (const node of nodes) await node.call(({ tell }) => tell());
        await simulation.elapse(50);
        return Promise.all(nodes.map((node) => node.call(({ heard }) => [...heard].sort().join(''))));
      };
      expect(await whoHeardWhom()).toEqual(['bc', 'ac', 'ab']);
      simulation.network.cut('a', 'b');
      expect(await whoHeardWhom()).toEqual(['bc', 'c', 'ab']);
      simulation.network.partition(['a', 'b'], ['c']);
      expect(await whoHeardWhom()).toEqual(['b', 'a', '']);
      // What was sent into a cut is lost, also when that ends before it would have come.
      await nodes[0]!.call(({ tell }) => tell());
      simulation.network.heal();
      await simulation.elapse(50);
      expect(await nodes[2]!.call(({ heard }) => heard.size)).toBe(0);
      expect(await whoHeardWhom()).toEqual(['bc', 'ac', 'ab']);
    });
    expect(simulation.counters.cut).toBeGreaterThan(4);
  });

  it('lets a request fail that gets no answer, whose peer fails, or that is given up', async () => {
    const simulation = createSimulation({ seed: 3, requestTimeoutMs: 700 });
    await simulation.run(async () => {
      const failing = async () => Promise.reject(new Error('no such page'));
      simulation.node('failing', ({ network }) => network.listen({ answer: failing }));
      const a = simulation.node('a', machineOf);
      await simulation.elapse(1);
      const ask = (peer: string, signal = never) => a.call(({ network }) => network.link(peer).request(bytes('?'), { signal }));
      await expect(ask('failing')).rejects.toThrow(/no such page/);
      const start = simulation.now();
      await expect(ask('nobody')).rejects.toThrow(UnavailableError);
      expect(simulation.now() - start).toBe(700);
      await expect(ask('nobody', AbortSignal.timeout(100))).rejects.toThrow('timeout');
      expect(simulation.now() - start).toBe(800);
    });
  });
});

describe('a crash', () => {
  it('ends the program at its await: nothing of it goes on, and its clients do not know', async () => {
    const simulation = createSimulation({ seed: 4 });
    await simulation.run(async () => {
      const done: string[] = [];
      const node = simulation.node('a', ({ start, disk }) => ({
        async work() {
          setInterval(() => done.push(`tick ${start}`), 10);
          await pauseFor(15);
          done.push(`waited ${start}`);
          await disk.put('key', start);
          await pauseFor(15);
          done.push(`ended ${start}`);
        },
      }));
      const work = node.call((program) => program.work());
      const ending = expect(work).rejects.toThrow(UnknownOutcomeError);
      await simulation.elapse(20);
      node.crash();
      await ending;
      expect(node.isUp()).toBe(false);
      await expect(node.call((program) => program.work())).rejects.toThrow(UnavailableError);
      await simulation.elapse(1_000);
      expect(done).toEqual(['tick 1', 'waited 1']);
      node.restart();
      await node.call((program) => program.work());
      expect(done.filter((line) => line.endsWith('1'))).toHaveLength(2);
      expect(done).toContain('ended 2');
      node.leave();
      node.restart();
      expect(node.isUp()).toBe(false);
    });
  });

  it('ends a program that goes on at once, too', async () => {
    const simulation = createSimulation({ seed: 4 });
    await simulation.run(async () => {
      const done: string[] = [];
      const node = simulation.node('a', machineOf);
      const call = node.call(async ({ disk }) => {
        const closing = disk.close();
        done.push('closes');
        node.crash();
        await closing;
        done.push('closed');
      });
      await expect(call).rejects.toThrow(UnknownOutcomeError);
      await simulation.elapse(100);
      expect(done).toEqual(['closes']);
    });
  });

  it('loses what was not synced and nothing that was acknowledged', async () => {
    let lost = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const simulation = createSimulation({ seed, disk: { delayMs: [5, 10] } });
      await simulation.run(async () => {
        const acknowledged: number[] = [];
        const node = simulation.node('a', machineOf);
        const write = async ({ disk }: Machine) => {
          for (let index = 0; index < 40; index++) {
            void disk.append('log', [index]).then(() => acknowledged.push(index));
            await pauseFor(1);
          }
        };
        const writing = node.call(write).catch(() => {});
        await simulation.elapse(30);
        node.crash();
        await writing;
        node.restart();
        const kept: unknown[] = [];
        await node.call(async ({ disk }) => {
          for await (const { value } of disk.read('log')) kept.push(value);
        });
        expect(kept).toEqual(kept.map((_, index) => index));
        expect(kept).toEqual(expect.arrayContaining(acknowledged));
        expect(acknowledged.length).toBeGreaterThan(5);
      });
      lost += simulation.counters['unsynced-lost'];
    }
    expect(lost).toBeGreaterThan(5);
  });

  it('loses acknowledged writes too where the disk syncs later, and its store says so', async () => {
    const simulation = createSimulation({ seed: 5, disk: { syncLagMs: 1_000 } });
    await simulation.run(async () => {
      const node = simulation.node('a', machineOf);
      const heads: number[] = [];
      for (let round = 0; round < 10; round++) {
        await node.call(({ disk }) => disk.append('log', [1, 2, 3]));
        heads.push(await node.call(({ disk }) => disk.head('log')));
        node.crash();
        node.restart();
      }
      expect(await node.call(({ disk }) => disk.durability)).toBe('may-lose-acknowledged');
      expect(heads).not.toEqual(heads.map((_, index) => 3 * (index + 1)));
    });
  });
});

describe('a disk', () => {
  it('keeps keys, revisions, streams and times over a restart', async () => {
    const simulation = createSimulation({ seed: 6 });
    await simulation.run(async () => {
      const node = simulation.node('a', machineOf);
      const look = () =>
        node.call(async ({ disk }) => {
          const found: unknown[] = [await disk.get('kept'), await disk.get('deleted'), await disk.get('expired'), await disk.head('log')];
          for await (const record of disk.read('log')) found.push(record);
          for await (const entry of disk.list('')) found.push(entry);
          for await (const stream of disk.streams()) found.push(stream);
          return found;
        });
      await node.call(async ({ disk }) => {
        await disk.put('kept', { a: [1] });
        await disk.put('deleted', 1);
        await disk.put('expired', 1, { ttlMs: 500 });
        await disk.delete('deleted');
        await disk.append('log', [new Uint8Array([1, 2]), 'two'], { expected: 0 });
        await disk.appendPast?.('log', [{ time: 5, value: 'past' }], { expected: 2 });
        await expect(disk.append('log', ['late'], { expected: 1 })).rejects.toThrow('log');
        await disk.trim('log', 2);
      });
      await simulation.elapse(1_000);
      const before = await look();
      expect(before).toHaveLength(8);
      node.crash();
      node.restart();
      expect(await look()).toEqual(before);
    });
  });

  it('tells those who watch and follow', async () => {
    const simulation = createSimulation({ seed: 6 });
    await simulation.run(async () => {
      const seen: unknown[] = [];
      const node = simulation.node('a', ({ disk }) => {
        void (async () => {
          for await (const record of disk.follow('log', { from: 1 })) seen.push(record.value);
        })();
        void (async () => {
          for await (const change of disk.watch('')) seen.push(change.key);
        })();
        return disk;
      });
      await node.call((disk) => disk.append('log', ['record']));
      await node.call((disk) => disk.put('key', 1));
      expect(seen).toEqual(['record', 'key']);
    });
  });

  it('fails, is slow, and is well again', async () => {
    const simulation = createSimulation({ seed: 6, disk: { delayMs: [1, 1] } });
    await simulation.run(async () => {
      const node = simulation.node('a', ({ disk }) => disk);
      node.disk.fail();
      await expect(node.call((disk) => disk.get('key'))).rejects.toThrow(UnavailableError);
      const endings = new Set<unknown>();
      for (let index = 0; index < 20; index++) endings.add(await node.call((disk) => disk.append('log', [index])).catch((error: Error) => error.constructor));
      expect(endings).toEqual(new Set([UnavailableError, UnknownOutcomeError]));
      node.disk.heal();
      node.disk.slow(50);
      const start = simulation.now();
      await node.call((disk) => disk.get('key'));
      expect(simulation.now() - start).toBe(50);
      node.disk.heal();
      await node.call((disk) => disk.get('key'));
      expect(simulation.now() - start).toBe(51);
    });
  });

  it('is brought back from a backup, and copied to another node', async () => {
    const simulation = createSimulation({ seed: 6 });
    await simulation.run(async () => {
      const a = simulation.node('a', ({ disk }) => disk);
      await a.call((disk) => disk.put('key', 'old'));
      const backup = a.disk.snapshot();
      await a.call((disk) => disk.put('key', 'new'));
      expect(() => a.disk.restore(backup)).toThrow(TypeError);
      a.crash();
      const b = simulation.node('b', ({ disk }) => disk);
      b.crash();
      b.disk.restore(a.disk.snapshot());
      a.disk.restore(backup);
      a.restart();
      b.restart();
      expect([(await a.call((disk) => disk.get('key')))?.value, (await b.call((disk) => disk.get('key')))?.value]).toEqual(['old', 'new']);
    });
  });
});

describe('a nemesis', () => {
  it('draws the faults it is told to, no more than it may, and a heal ends them all', async () => {
    const simulation = createSimulation({ seed: 8, maxFaults: 9, trace: true });
    await simulation.run(async () => {
      const nodes = ['a', 'b', 'c'].map((name) => simulation.node(name, ({ disk }) => disk));
      const none = { crash: 0, partition: 0, 'one-way-cut': 0, loss: 0, duplication: 0, 'slow-network': 0, 'disk-failure': 0, 'slow-disk': 0 } as const;
      const { made } = simulation.nemesis({ everyMs: [10, 10], weights: { ...none, 'clock-jump': 0, 'clock-drift': 0, 'disk-rollback': 1, 'disk-copy': 1 } });
      await simulation.elapse(50);
      simulation.heal();
      const then = made['disk-copy'] + made['disk-rollback'];
      expect(then).toBeGreaterThan(2);
      await simulation.elapse(10_000);
      expect(made['disk-copy'] + made['disk-rollback']).toBe(then);
      expect(nodes.map((node) => node.isUp())).toEqual([true, true, true]);
      const more = simulation.nemesis({ everyMs: [10, 10] });
      await simulation.elapse(10_000);
      expect(Object.values(more.made).reduce((sum, count) => sum + count)).toBe(9);
    });
    expect(simulation.counters['disk-restored']).toBeGreaterThan(0);
  });

  it('takes a program that cannot start as down, and starts it again', async () => {
    const simulation = createSimulation({ seed: 9 });
    await simulation.run(async () => {
      const node = simulation.node('a', ({ start }) => {
        if (start === 1) throw new Error('not yet');
        return start;
      });
      await simulation.elapse(1);
      expect([node.isUp(), simulation.counters['failed-start']]).toEqual([false, 1]);
      await simulation.elapse(1_000);
      expect(await node.call((start) => start)).toBe(2);
      expect(() => simulation.node('a', () => {})).toThrow(TypeError);
    });
  });
});

function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
