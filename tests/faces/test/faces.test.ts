import type { Hub } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { faces, mounted } from '../src/faces.ts';
import { createWorld } from '../src/world.ts';

interface Case {
  readonly what: string;
  readonly name: string;
  readonly args?: unknown;
  /** What the caller sees, and how the one record of the call says it ended. */
  readonly code: string;
  readonly outcome: string;
  /** What happens once the tool has begun. */
  readonly whenBegun?: (hub: Hub, controller: AbortController) => void;
  /** Milliseconds a call may take. */
  readonly withinMs?: number;
}

const fine = { text: 'hello' };

const cases: readonly Case[] = [
  { what: 'a good call', name: 'echo', code: 'OK', outcome: 'ok' },
  { what: 'an unknown tool', name: 'nothing', code: 'NOT_FOUND', outcome: 'unknown-name' },
  { what: 'bad arguments', name: 'echo', args: { text: 5 }, code: 'INVALID_INPUT', outcome: 'invalid' },
  { what: 'a refusal', name: 'forbidden', code: 'DENIED', outcome: 'denied' },
  { what: 'a call over the cap', name: 'capped', code: 'LIMITED', outcome: 'limited' },
  { what: 'a tool that fails', name: 'broken', code: 'INTERNAL', outcome: 'failed' },
  { what: 'a caller that gives up', name: 'slow', code: 'GONE', outcome: 'cancelled', whenBegun: (_hub, controller) => controller.abort() },
  { what: 'a deadline that passes', name: 'slow', code: 'DEADLINE_EXCEEDED', outcome: 'cancelled', withinMs: 50 },
  { what: 'a hub that closes', name: 'slow', code: 'CANCELLED', outcome: 'cancelled', whenBegun: (hub) => void hub.close({ graceMs: 0 }) },
];

describe.each(faces)('%s', (_face, open) => {
  it.each(cases)('sees $what as every other face does, and leaves one record', async ({ name, args = fine, code, outcome, whenBegun, withinMs = 30_000 }) => {
    const world = createWorld();
    const face = await open(world.hub, withinMs);
    const controller = new AbortController();
    void world.begun.then(() => whenBegun?.(world.hub, controller));
    const seen = await face.call(name, args, code === 'GONE' ? controller.signal : undefined);
    expect(seen).toEqual(code === 'OK' ? { code, text: 'hello' } : { code });
    // A caller that has given up does not wait for the record.
    await expect
      .poll(async () => (await world.log.list()).map((record) => [record.name, record.outcome, record.code]))
      .toEqual([[name, outcome, code === 'OK' ? undefined : code === 'GONE' ? 'CANCELLED' : code]]);
    expect(await world.log.verify()).toMatchObject({ ok: true, records: 1 });
    await face.close();
    await world.hub.close();
  });
});

describe('tools mounted on somebody else’s server', () => {
  it.each(cases.filter(({ what }) => !['an unknown tool', 'bad arguments', 'a deadline that passes'].includes(what)))(
    'end $what as on our own faces, and leave one record',
    async ({ name, args = fine, code, outcome, whenBegun }) => {
      const world = createWorld();
      const face = await mounted(world.hub);
      const controller = new AbortController();
      void world.begun.then(() => whenBegun?.(world.hub, controller));
      expect((await face.call(name, args, code === 'GONE' ? controller.signal : undefined)).code).toBe(code);
      await expect.poll(async () => (await world.log.list()).map((record) => [record.name, record.outcome])).toEqual([[name, outcome]]);
      await face.close();
      await world.hub.close();
    },
  );
});
