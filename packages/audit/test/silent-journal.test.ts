import { audit } from '@meshwork/audit';
import { createHub, createMemoryJournal, defineTool, inProcessPrincipal, type Journal, toolAnswer, UnavailableError } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const principal = inProcessPrincipal('tester');
const PATIENCE_MS = 100;
/** A machine may be busy; nothing here is as long as a test may last. */
const MARGIN_MS = 5_000;

type Held = { readonly land: () => void; readonly lose: () => void; readonly landed: Promise<unknown> };

/** A journal whose appends, and when it is `mute` all it is asked, wait until they are let go, if they ever are. */
function hangingJournal() {
  const inner = createMemoryJournal();
  const held: Held[] = [];
  let state: 'there' | 'hanging' | 'mute' = 'there';
  const journal: Journal = {
    ...inner,
    append(...args) {
      if (state === 'there') return inner.append(...args);
      let land = () => {};
      let lose = () => {};
      const landed = new Promise<void>((resolve, reject) => {
        land = resolve;
        lose = () => reject(new UnavailableError('lost'));
      }).then(() => inner.append(...args));
      landed.catch(() => {});
      held.push({ land, lose, landed });
      return landed;
    },
    head: (stream) => (state === 'mute' ? new Promise(() => {}) : inner.head(stream)),
  };
  return {
    journal,
    held,
    turn(next: typeof state) {
      state = next;
    },
  };
}

function world({ maxWaiting = 1_000, isExclusive = false, patienceMs = PATIENCE_MS } = {}) {
  const hanging = hangingJournal();
  const log = audit({ journal: hanging.journal, patienceMs, maxWaiting, isExclusive });
  let ran = 0;
  const write = defineTool({
    name: 'write',
    description: 'Counts how often it ran.',
    category: 'test',
    effect: 'write',
    input: z.strictObject({}),
    run: () => {
      ran += 1;
      return toolAnswer([{ type: 'text', text: 'the result' }]);
    },
  });
  const hub = createHub({ modules: [log, { name: 'm', tools: [write] }] });
  const call = (more: { readonly deadline?: number } = {}) => hub.call({ name: 'write', principal, face: 'local', ...more });
  return { ...hanging, log, hub, call, ran: () => ran };
}

async function timed<T>(work: Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const started = performance.now();
  return { value: await work, ms: performance.now() - started };
}

const unavailable = { isError: true, structuredContent: { code: 'UNAVAILABLE' } };

describe('while the journal hangs', () => {
  it('a call without a deadline ends, without its result, when the patience is over', async () => {
    const { call, turn } = world();
    await call();
    turn('hanging');
    const { value, ms } = await timed(call());
    expect(value).toMatchObject(unavailable);
    expect(JSON.stringify(value)).not.toContain('the result');
    expect(ms).toBeLessThan(PATIENCE_MS + MARGIN_MS);
  });

  it('a call with a deadline ends by it', async () => {
    const { call, turn } = world();
    await call();
    turn('hanging');
    expect(await call({ deadline: Date.now() + PATIENCE_MS / 4 })).toMatchObject({ isError: true, structuredContent: { code: 'DEADLINE_EXCEEDED' } });
  });

  it('so do calls of a hub that has just begun', async () => {
    const { call, turn } = world();
    turn('mute');
    expect(await call()).toMatchObject(unavailable);
  });

  it('new calls are refused at once, and do not run', async () => {
    const patienceMs = 5_000;
    const { call, turn, ran } = world({ patienceMs });
    await call();
    turn('mute');
    await call();
    const before = ran();
    const { value, ms } = await timed(Promise.all(Array.from({ length: 100 }, () => call())));
    for (const each of value) expect(each).toMatchObject(unavailable);
    expect(ms).toBeLessThan(patienceMs);
    expect(ran()).toBe(before);
  });

  it('no more records wait than may, and a call beyond them does not run', async () => {
    const { call, turn, ran } = world({ maxWaiting: 10 });
    await call();
    turn('hanging');
    const calls = Array.from({ length: 50 }, () => call());
    await Promise.race(calls);
    const before = ran();
    expect(await call()).toMatchObject(unavailable);
    expect(ran()).toBe(before);
    const messages = (await Promise.all(calls)).map((answer) => JSON.stringify(answer));
    expect(messages.filter((message) => message.includes('as many as may'))).toHaveLength(40);
  });

  it('the hub closes', async () => {
    const { call, turn, hub } = world();
    await call();
    turn('mute');
    const waiting = call();
    const { ms } = await timed(hub.close({ graceMs: 10 }));
    expect(await waiting).toMatchObject({ isError: true });
    expect(ms).toBeLessThan(MARGIN_MS);
  });
});

describe('when the journal is back', () => {
  it('calls are recorded again, after what landed late, in a chain that holds', async () => {
    const { call, turn, held, log } = world();
    await call();
    turn('hanging');
    expect(await call()).toMatchObject(unavailable);
    turn('there');
    for (const { land } of held) land();
    await Promise.all(held.map(({ landed }) => landed));
    expect(await call()).toMatchObject({ content: [{ text: 'the result' }] });
    expect(await log.verify()).toMatchObject({ ok: true, records: 3 });
  });

  it('and an append was lost on the way, calls are recorded again all the same', async () => {
    const { call, turn, log } = world();
    await call();
    turn('mute');
    expect(await call()).toMatchObject(unavailable);
    turn('there');
    await expect.poll(() => call(), { interval: 10 }).toMatchObject({ content: [{ text: 'the result' }] });
    expect(await log.verify()).toMatchObject({ ok: true, records: 2 });
  });

  it('and an append lands after others, the journal refuses it, and the chain holds', async () => {
    const { call, turn, held, log } = world();
    await call();
    turn('hanging');
    expect(await call()).toMatchObject(unavailable);
    turn('there');
    await expect.poll(() => call(), { interval: 10 }).toMatchObject({ content: [{ text: 'the result' }] });
    for (const { land } of held) land();
    await expect(held[0]?.landed).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await call()).toMatchObject({ content: [{ text: 'the result' }] });
    expect(await log.verify()).toMatchObject({ ok: true, records: 3 });
  });
});

describe('a hub that has its journal to itself, after an append was given up', () => {
  it('sends one at a time while that one may land', async () => {
    const { call, turn, held, log } = world({ isExclusive: true });
    await call();
    turn('hanging');
    expect(await call()).toMatchObject(unavailable);
    const calls = [call()];
    // The first may be refused, and has the journal asked.
    await expect.poll(() => held.length < 2 && calls.push(call()), { interval: 10 }).toBe(false);
    for (let turns = 0; turns < 20; turns++) {
      calls.push(call());
      await new Promise((resolve) => setImmediate(resolve));
    }
    turn('there');
    for (const { land, landed } of held) {
      land();
      await landed.catch(() => {});
    }
    await Promise.all(calls);
    expect(await call()).toMatchObject({ content: [{ text: 'the result' }] });
    expect(await log.verify()).toMatchObject({ ok: true });
  });

  it('writes nothing while one may land that was chained to another', async () => {
    const { call, turn, held, log, ran } = world({ isExclusive: true, patienceMs: 10 * PATIENCE_MS });
    await call();
    turn('hanging');
    const first = call();
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const second = call();
    expect(await Promise.all([first, second])).toMatchObject([unavailable, unavailable]);
    expect(held).toHaveLength(2);
    turn('there');
    held[0]?.lose();
    await held[0]?.landed.catch(() => {});
    const before = ran();
    for (let tries = 0; tries < 5; tries++) {
      expect(await call()).toMatchObject(unavailable);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(ran()).toBe(before);
    held[1]?.land();
    await held[1]?.landed.catch(() => {});
    await expect.poll(() => call(), { interval: 10 }).toMatchObject({ content: [{ text: 'the result' }] });
    expect(await log.verify()).toMatchObject({ ok: true });
  });
});
