import { type AnyTool, createHub, defineTool, type Principal, type Stage, type StageStep, toolAnswer, zoneTrust } from '@meshwork/core';
import { rateLimits } from '@meshwork/transports/limits';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { z } from 'zod';
import { median } from './median.ts';

interface LimitRates {
  /** Decisions a second by the stage with its four default rules, two of which count for each call. */
  readonly decisionsPerSecond: number;
  /** Points a second that the library underneath counts when it is asked alone. */
  readonly barePerSecond: number;
  /** Of a decision's points, how many are counted in the time the library takes for them: 1 is no cost beside it. */
  readonly ratio: number;
}

const CALLERS = 1_000;

/** What the `limit` stage costs: stage and library take turns, callers by the thousand. Medians of the rounds. */
export async function measureLimits({ rounds = 5, durationMs = 500 } = {}): Promise<LimitRates> {
  const tool = defineTool({ name: 'echo', description: 'x', category: 'bench', effect: 'read', input: z.looseObject({}), run: () => toolAnswer([]) });
  const stage = rateLimits({
    rules: [5, 10, 50, 100].map((points, at) => ({
      by: at === 3 ? 'address' : 'caller',
      points: points * 1_000_000,
      perMs: 60_000,
      of: at < 2 ? { tool: ['another'] } : { zone: ['external'] },
    })),
  }).stages?.limit;
  if (stage === undefined) throw new Error('there is no limit stage');
  const steps = await stepsOf(tool);
  const result = toolAnswer([]);
  const bare = new RateLimiterMemory({ points: 1_000_000_000, duration: 60 });
  const next = async () => result;
  const measured: (readonly [ours: number, theirs: number])[] = [];
  for (let round = 0; round < rounds; round++) {
    const theirs = await rate((at) => bare.consume(`caller-${at % CALLERS}`), durationMs);
    const ours = await rate((at) => stage(steps[at % CALLERS] as StageStep, next), durationMs);
    measured.push([ours, theirs]);
  }
  return {
    decisionsPerSecond: Math.round(median(measured.map(([ours]) => ours))),
    barePerSecond: Math.round(median(measured.map(([, theirs]) => theirs))),
    ratio: Math.round(median(measured.map(([ours, theirs]) => (ours * 2) / theirs)) * 100) / 100,
  };
}

/** A call of each caller, as a hub hands it to its stages. */
async function stepsOf(tool: AnyTool): Promise<StageStep[]> {
  const steps: StageStep[] = [];
  const keep: Stage = ({ call, target }, next) => {
    steps.push({ call, target });
    return next();
  };
  const hub = createHub({ modules: [{ name: 'm', tools: [tool], stages: { limit: keep } }] });
  for (let at = 0; at < CALLERS; at++) {
    const principal: Principal = {
      id: `caller-${at}`,
      kind: 'agent',
      roles: [],
      zone: 'external',
      trust: zoneTrust.external,
      method: 'api-key',
      actsFor: [],
      address: `192.0.2.${at % 250}`,
    };
    await hub.call({ name: tool.name, arguments: {}, principal, face: 'mcp' });
  }
  return steps;
}

async function rate(work: (at: number) => Promise<unknown>, durationMs: number): Promise<number> {
  const started = performance.now();
  let done = 0;
  let passedMs = 0;
  while (passedMs < durationMs) {
    for (let at = 0; at < 1_000; at++) await work(done + at);
    done += 1_000;
    passedMs = performance.now() - started;
  }
  return (done * 1_000) / passedMs;
}
