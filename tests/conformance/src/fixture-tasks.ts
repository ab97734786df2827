import { type AnyTool, type CallContext, InternalError, inputRequired, type ToolSchema, toolAnswer } from '@meshwork/core';
import { z } from 'zod';
import { accepted, field } from './fixture-questions.ts';
import { fixture, say } from './fixture-tools.ts';

/** A tool of the suite that does long work. */
const long = (
  task: 'optional' | 'required',
  name: string,
  description: string,
  run: (args: never, context: CallContext) => unknown,
  { input, askFirst }: { readonly input?: ToolSchema; readonly askFirst?: AnyTool['askFirst'] } = {},
): AnyTool => ({ ...fixture(name, description, run, input), task, ...(askFirst !== undefined && { askFirst }) });

const rest = (ms: number, signal?: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

/** Tools that run as tasks, and one beside them that does not. */
export const taskTools: readonly AnyTool[] = [
  fixture('greet', 'Greets at once.', ({ name }: { name: string }) => say(`Hello, ${name}!`), z.object({ name: z.string() })),
  long(
    'optional',
    'slow_compute',
    'Takes its time.',
    async ({ seconds, label }: { seconds: number; label?: string }, { signal }) => {
      await rest(seconds * 1_000, signal);
      return say(`${label ?? 'computed'} after ${seconds} s`);
    },
    { input: z.object({ seconds: z.number().min(0).max(3_600), label: z.string().optional() }) },
  ),
  long('required', 'failing_job', 'Fails after a while.', async (_args: never, { signal }) => {
    await rest(1_000, signal);
    return toolAnswer([{ type: 'text', text: 'the job failed' }], { isError: true });
  }),
  long('optional', 'protocol_error_job', 'Breaks the hub.', () => {
    throw new InternalError('the job broke');
  }),
  long(
    'optional',
    'confirm_delete',
    'Asks before it deletes.',
    ({ filename }: { filename: string }, { call }) => {
      const answer = accepted(call.inputResponses, 'confirm');
      if (call.inputResponses?.confirm === undefined) return inputRequired({ confirm: field(`Delete ${filename}?`, 'confirm', 'boolean') });
      return say(answer?.confirm === true ? `deleted ${filename}` : `kept ${filename}`);
    },
    { input: z.object({ filename: z.string() }) },
  ),
  long('optional', 'multi_input', 'Asks two things at once.', (_args: never, { call: { inputResponses } }) => {
    if (inputResponses === undefined) return inputRequired({ first: field('The first name?', 'name'), second: field('The second name?', 'name') });
    return say(`${accepted(inputResponses, 'first')?.name} and ${accepted(inputResponses, 'second')?.name}`);
  }),
  long(
    'required',
    'test_tool_with_task',
    'Asks for a name, then works on.',
    (_args: never, { call }) => say(`Worked for ${accepted(call.inputResponses, 'user_name')?.name}`),
    {
      askFirst: (_args, { call }) =>
        accepted(call.inputResponses, 'user_name') === undefined ? inputRequired({ user_name: field('What is your name?', 'name') }) : undefined,
    },
  ),
];
