import { describe, expect, it } from 'vitest';
import { runSuite, suiteRuns } from '../src/run-suite.ts';

/** How many scenarios each frozen set requires; fewer would mean that some did not run. */
const required: Readonly<Record<string, number>> = {
  'server, revision 2025-11-25': 30,
  'server, revision 2026-07-28': 37,
  'server, revision 2026-07-28, all through the SDK': 37,
  'server, release 0.1.16': 30,
  'client, revision 2025-11-25': 18,
  'client, revision 2026-07-28': 32,
  'client, release 0.1.16': 18,
};

describe('the official conformance suite', () => {
  // The suite holds reconnections against its own clock: on a machine that stands still one is late.
  it.each(suiteRuns)('passes: $name', { timeout: 300_000, retry: 2 }, async (run) => {
    const outcome = await runSuite(run);
    expect(outcome.surprises).toEqual([]);
    expect(outcome.ok, outcome.output.slice(-4_000)).toBe(true);
    expect(outcome.required).toEqual({ passed: required[run.name], failed: 0 });
  });
});
