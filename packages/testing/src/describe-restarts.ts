import { describe, expect, it } from 'vitest';
import type { Restartable } from './restarts/restartable.ts';
import { type RestartOptions, workThroughRestarts } from './restarts/work-through-restarts.ts';

/**
 * What a driver of both ports promises while its engine is killed and restarted under load: nothing acknowledged is lost, nothing is there that was
 * said not to be, what nobody knows is an `UnknownOutcomeError`, watchers see every change once and in order, and service returns by itself.
 */
export function describeRestarts(name: string, open: () => Promise<Restartable>, options: RestartOptions = {}): void {
  describe(`the ${name} store, its engine killed again and again`, () => {
    it('keeps what it acknowledged, and nothing it denied', { timeout: 300_000 }, async () => {
      const engine = await open();
      try {
        const { endings, faults } = await workThroughRestarts(engine, options);
        expect(faults).toEqual([]);
        expect(endings.done).toBeGreaterThan(0);
        expect(endings['not-done'] + endings.unknown, 'no kill met a write').toBeGreaterThan(0);
      } finally {
        await engine.store.close();
      }
    });
  });
}
