import { afterAll, describe, it } from 'vitest';
import { type Engine, type EngineName, hasEngine, startEngine } from './engine.ts';
import { sharedEngine, urlVariable } from './shared-engine.ts';

/**
 * A suite against a real server: one that runs anyway, or one that is started for it. Where there is neither the suite is skipped and says so; with
 * `MESHWORK_REQUIRE_ENGINES=1`, as in CI, it fails instead. To be awaited at the top of a test file.
 */
export async function describeWithEngine(name: EngineName, suite: (url: string) => void): Promise<void> {
  const shared = await sharedEngine(name);
  const own = shared === undefined ? await startEngine(name) : undefined;
  const url = shared ?? own?.url;
  if (url === undefined) return describeMissing(name, `no server at ${urlVariable(name)} or the usual local address, and no program to start one`);
  describe(`with ${name}`, () => {
    afterAll(() => own?.stop());
    suite(url);
  });
}

/** A suite that kills, freezes and restarts servers, each started by itself on a folder of its own, with further arguments if wanted; skipped where the program is missing. */
export function describeWithOwnEngine(name: EngineName, suite: (start: (...more: string[]) => Promise<Engine>) => void): void {
  if (!hasEngine(name)) {
    describeMissing(name, 'its program is not installed');
    return;
  }
  describe(`with a ${name} of its own`, () => {
    const started: Engine[] = [];
    afterAll(async () => void (await Promise.all(started.map((engine) => engine.stop()))));
    suite(async (...more) => {
      const engine = await startEngine(name, { args: more });
      if (engine === undefined) throw new Error(`${name} went missing`);
      started.push(engine);
      return engine;
    });
  });
}

function describeMissing(name: EngineName, reason: string): void {
  if (process.env.MESHWORK_REQUIRE_ENGINES === '1') {
    it(`has ${name}`, () => {
      throw new Error(`${name} is required here: ${reason}`);
    });
    return;
  }
  describe.skip(`with ${name} (skipped: ${reason})`, () => {
    it('runs where there is one', () => {});
  });
}
