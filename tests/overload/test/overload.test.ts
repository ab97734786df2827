import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floods } from '../src/attacks/floods.ts';
import { halfOpen } from '../src/attacks/half-open.ts';
import { honestReaders, sippers, stoppedReaders, WATCHED } from '../src/attacks/readers.ts';
import { subscriptions } from '../src/attacks/subscriptions.ts';
import { callers, type FaceName } from '../src/callers.ts';
import { requestHeaders, requestText } from '../src/requests.ts';
import { startAttack } from '../src/start-attack.ts';
import { type HubProcess, startHub } from '../src/start-hub.ts';
import type { Fared } from '../src/steady.ts';
import { memoryOf, type WithstandOptions, type Withstood, withstand } from '../src/withstand.ts';

const MB = 2 ** 20;
const isLong = process.env.MESHWORK_LONG_TESTS === '1';
const faces: readonly FaceName[] = ['http', 'rest', 'webSocket', 'socket'];

/** Together when time is short; one after the other, and larger, when it is not. */
const groupsOf = (attacks: object): (readonly [name: string, attacks: readonly string[]])[] =>
  isLong ? Object.keys(attacks).map((name) => [name, [name]]) : [['all at once', Object.keys(attacks)]];

const honest = Object.keys(floods).filter((name) => name.startsWith('honest'));
const dishonest = Object.fromEntries(Object.entries(floods).filter(([name]) => !honest.includes(name)));

let hub: HubProcess;
beforeAll(async () => {
  hub = await startHub({ options: { sessionIdleMs: 500 } });
  const headers = { authorization: 'Bearer bob-key' };
  // What is made once and kept is there before anything is measured.
  for (const path of ['/mcp/tools', '/openapi.json', '/mcp/health']) await (await fetch(new URL(path, hub.places.http), { headers })).text();
  for (const face of faces) {
    const caller = await callers[face](hub.places, 'bob-key');
    for (let calls = 0; calls < 200; calls++) await caller.call('echo', { text: 'x' });
    caller.close();
  }
});
afterAll(() => hub[Symbol.asyncDispose]());

async function runAttacks(options: Pick<WithstandOptions, 'attacks' | 'size' | 'from' | 'meanwhile'>): Promise<Withstood> {
  const withstood = await withstand(hub, { ...options, faces, durationMs: isLong ? 2_500 : 400 });
  if (isLong) report(options, withstood);
  return withstood;
}

function report(
  { attacks, size }: Pick<WithstandOptions, 'attacks' | 'size'>,
  { before, during, most, descriptors, usageBefore, usageAfter }: Withstood,
): void {
  const shown = (fared: Readonly<Partial<Record<FaceName, Fared>>>) => faces.map((face) => `${face} ${fared[face]?.p50.toFixed(2)}`).join(', ');
  const memory = [usageBefore, usageAfter].map((usage) => (memoryOf(usage) / MB).toFixed(1));
  console.log(
    `${attacks.join(' + ')} × ${size}\n  p50 before: ${shown(before)} ms; during: ${shown(during)} ms\n  memory ${memory[0]} MB, at most ${(most / MB).toFixed(0)}, after ${memory[1]}; open during it ${descriptors}; handles ${usageBefore.handles}, after ${usageAfter.handles}`,
  );
}

/** Nobody's call fails, nobody waits much longer than the measure says, and what the attack took is given back. */
function expectWithstood(
  { before, during, usageBefore, usageAfter }: Withstood,
  { measure = before, factor = 10 }: { measure?: Withstood['before']; factor?: number } = {},
): void {
  for (const face of faces) {
    expect([face, during[face]?.failures]).toEqual([face, []]);
    expect(during[face]?.p50, `${face}: times its measure`).toBeLessThan((measure[face]?.p50 ?? 0) * factor);
  }
  expect(memoryOf(usageAfter), 'memory').toBeLessThan(memoryOf(usageBefore) * 1.1 + 4 * MB);
  expect(usageAfter.handles, 'handles').toBeLessThanOrEqual(usageBefore.handles);
}

describe('T20: clients that begin something and never end it', () => {
  it.each(groupsOf(halfOpen))('slow down nobody: %s', { retry: 1, timeout: 120_000 }, async (_name, attacks) => {
    expectWithstood(await runAttacks({ attacks, size: isLong ? 10_000 : 100 }));
  });
});

describe('T19: floods of large and malicious messages', () => {
  const size = isLong ? 50 : 2;
  let share: Withstood | undefined;

  it.each(groupsOf(dishonest))('cost others no more than honest calls as large: %s', { retry: 1, timeout: 120_000 }, async (_name, attacks) => {
    share ??= await runAttacks({ attacks: ['honest big calls over HTTP'], size: size * attacks.length, from: 'full' });
    expectWithstood(share, { factor: Number.POSITIVE_INFINITY });
    expectWithstood(await runAttacks({ attacks, size, from: 'full' }), { measure: share.during, factor: 4 });
  });
});

describe('floods of subscriptions, sessions and streams', () => {
  it.each(groupsOf(subscriptions))('slow down nobody: %s', { retry: 1, timeout: 120_000 }, async (_name, attacks) => {
    const withstood = await runAttacks({ attacks, size: isLong ? 3_000 : 110 });
    expectWithstood(withstood);
    expect(withstood.most - memoryOf(withstood.usageBefore)).toBeLessThan(400 * MB);
  });

  it('leave room for others', async () => {
    const attack = await startAttack(['listens over HTTP', 'HTTP+SSE streams', 'sessions of a 2025 revision'], 1_200, hub.places);
    await attack.underWay;
    const { http } = hub.places;
    const headers = { authorization: 'Bearer bob-key', accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
    const gone = new AbortController();
    const { signal } = gone;
    expect((await fetch(new URL('/sse', http), { headers, signal })).status).toBe(200);
    const listening = await fetch(http, {
      method: 'POST',
      headers: requestHeaders('bob-key', 'subscriptions/listen'),
      body: requestText('subscriptions/listen', { notifications: { resourceSubscriptions: ['board://x'] } }),
      signal,
    });
    expect(listening.headers.get('content-type')).toBe('text/event-stream');
    gone.abort();
    await attack.stop();
  });
});

describe('readers that stop', () => {
  const size = isLong ? 20 : 3;
  const meanwhile = () => hub.publish(isLong ? 100_000 : 10_000, WATCHED);

  it.each(groupsOf(stoppedReaders))('cost no more than those who read, and are cut: %s', { retry: 1, timeout: 120_000 }, async (_name, attacks) => {
    const reading = attacks.map((name) => name.replace('stops reading', 'reads')).filter((name) => name in honestReaders);
    const share = await runAttacks({ attacks: reading, size, meanwhile });
    const withstood = await runAttacks({ attacks, size, meanwhile });
    expectWithstood(withstood, { measure: share.during, factor: 4 });
    expect(withstood.most - memoryOf(withstood.usageBefore)).toBeLessThan(300 * MB);
  });

  it.each(groupsOf(sippers))('or take it in sips cost nobody anything while they do: %s', { retry: 1, timeout: 120_000 }, async (_name, attacks) => {
    expectWithstood(await runAttacks({ attacks, size: isLong ? 200 : 8, from: 'full' }));
  });
});
