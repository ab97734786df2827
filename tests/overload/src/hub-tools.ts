import { setTimeout as sleep } from 'node:timers/promises';
import { type AnyTool, defineTool, toolAnswer } from '@meshwork/core';
import { z } from 'zod';

const test = { category: 'test', effect: 'write' } as const;
const done = toolAnswer([{ type: 'text', text: 'done' }]);

/** What the tests call: short work, long work, work that listens to nobody, and answers of any size. */
export const tools: readonly AnyTool[] = [
  defineTool({
    ...test,
    name: 'echo',
    description: 'Says it back.',
    input: z.strictObject({ text: z.string() }),
    run: ({ text }) => toolAnswer([{ type: 'text', text }]),
  }),
  defineTool({
    ...test,
    name: 'take',
    description: 'Takes records.',
    input: z.looseObject({}),
    run: () => done,
  }),
  defineTool({
    ...test,
    name: 'slow',
    description: 'Takes a while, and tells how far it is.',
    input: z.strictObject({ ms: z.number() }),
    run: async ({ ms }, { signal, progress }) => {
      for (let step = 1; step <= 4; step++) {
        await sleep(ms / 4, undefined, { signal });
        await progress({ progress: step, total: 4 });
      }
      return done;
    },
  }),
  defineTool({
    ...test,
    name: 'deaf',
    description: 'Never ends by itself, and listens to nobody.',
    input: z.strictObject({}),
    run: () => new Promise<never>(() => {}),
  }),
  defineTool({
    ...test,
    name: 'big',
    description: 'Answers at length.',
    input: z.strictObject({ bytes: z.number() }),
    run: ({ bytes }) => toolAnswer([{ type: 'text', text: 'x'.repeat(bytes) }]),
  }),
  defineTool({
    ...test,
    name: 'task',
    description: 'Does long work.',
    task: 'required',
    input: z.strictObject({ ms: z.number() }),
    run: async ({ ms }, { signal }) => {
      await sleep(ms, undefined, { signal });
      return done;
    },
  }),
  // A catalogue whose lists and OpenAPI document are far larger than what a socket takes at once.
  ...Array.from({ length: 300 }, (_, at) =>
    defineTool({
      ...test,
      name: `filler_${at}`,
      description: 'x'.repeat(20_000),
      input: z.strictObject({ text: z.string() }),
      run: () => done,
    }),
  ),
];
