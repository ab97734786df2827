import { type AnyTool, type CallContext, type InputRequest, inputRequired, type JsonObject } from '@meshwork/core';
import { z } from 'zod';
import { formWithChoices, formWithDefaults } from './fixture-samples.ts';
import { fixture, say } from './fixture-tools.ts';

const form = (message: string, requestedSchema: object): InputRequest => ({
  method: 'elicitation/create',
  params: { mode: 'form', message, requestedSchema: requestedSchema as JsonObject },
});
/** A form with one field. */
export const field = (message: string, name: string, type = 'string') => form(message, { type: 'object', properties: { [name]: { type } }, required: [name] });
const sample = (text: string, maxTokens = 100): InputRequest => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens },
});
const roots: InputRequest = { method: 'roots/list' };

type Responses = Readonly<Record<string, unknown>> | undefined;

/** What a form was filled with, when it was accepted. */
export function accepted(responses: Responses, key: string): Record<string, unknown> | undefined {
  const response = responses?.[key] as { action?: string; content?: Record<string, unknown> } | undefined;
  return response?.action === 'accept' ? (response.content ?? {}) : undefined;
}

const sampled = (responses: Responses, key: string) => (responses?.[key] as { content?: { text?: string } } | undefined)?.content?.text;
const rootsIn = (responses: Responses, key: string) => (responses?.[key] as { roots?: { uri: string }[] } | undefined)?.roots;

/** Asks with a form and tells how it went, whatever the answer. */
const elicitation = (name: string, description: string, ask: (args: { message: string }) => InputRequest, prefix: string, input = z.object({}) as z.ZodType) =>
  fixture(
    name,
    description,
    (args: never, { call }) => {
      const response = call.inputResponses?.form as { action?: string; content?: unknown } | undefined;
      if (response === undefined) return inputRequired({ form: ask(args) });
      return say(`${prefix}: action=${response.action}, content=${JSON.stringify(response.content ?? {})}`);
    },
    input as never,
  );

/** Tools that need an answer first. */
export const questionTools: AnyTool[] = [
  elicitation('test_elicitation', 'Asks the user.', ({ message }) => field(message, 'response'), 'User response', z.object({ message: z.string() })),
  elicitation(
    'test_elicitation_sep1034_defaults',
    'Asks with defaults.',
    () => form('Please review and update the form fields with defaults', formWithDefaults),
    'Elicitation completed',
  ),
  elicitation(
    'test_elicitation_sep1330_enums',
    'Asks with choices.',
    () => form('Please select options from the enum fields', formWithChoices),
    'Elicitation completed',
  ),
  elicitation(
    'test_streaming_elicitation',
    'Asks in its result, never with a request on the stream.',
    () => field('Please confirm', 'ok', 'boolean'),
    'Answered',
  ),
  fixture(
    'test_sampling',
    "Asks the caller's model.",
    ({ prompt }: { prompt: string }, { call }) => {
      const text = sampled(call.inputResponses, 'answer');
      return text === undefined ? inputRequired({ answer: sample(prompt) }) : say(`LLM response: ${text}`);
    },
    z.object({ prompt: z.string() }),
  ),
  fixture('test_missing_capability', 'Needs a model the caller may not have.', (_args: never, { call }) =>
    call.inputResponses?.answer === undefined ? inputRequired({ answer: sample('Reply with the single word: pong', 16) }) : say('complete'),
  ),
  fixture('test_input_required_result_elicitation', 'Asks for a name.', (_args: never, { call }) => {
    const name = accepted(call.inputResponses, 'user_name')?.name;
    return typeof name === 'string' ? say(`Hello, ${name}!`) : inputRequired({ user_name: field('What is your name?', 'name') });
  }),
  fixture('test_input_required_result_sampling', 'Asks for a completion.', (_args: never, { call }) => {
    const text = sampled(call.inputResponses, 'capital_question');
    return text === undefined ? inputRequired({ capital_question: sample('What is the capital of France?') }) : say(`Sampling response: ${text}`);
  }),
  fixture('test_input_required_result_list_roots', 'Asks for the roots.', (_args: never, { call }) => {
    const found = rootsIn(call.inputResponses, 'client_roots');
    return Array.isArray(found)
      ? say(`Client exposed ${found.length} root(s): ${found.map(({ uri }) => uri).join(', ')}`)
      : inputRequired({ client_roots: roots });
  }),
  fixture('test_input_required_result_request_state', 'Asks and gets its state back.', (_args: never, { call }) => {
    if (accepted(call.inputResponses, 'confirm') === undefined) return inputRequired({ confirm: field('Please confirm', 'ok', 'boolean') }, { round: 1 });
    return call.inputState === undefined
      ? inputRequired({ confirm: field('Please confirm', 'ok', 'boolean') }, { round: 1 })
      : say('state-ok: state verified and confirmation received');
  }),
  fixture('test_input_required_result_tampered_state', 'Takes no state but its own.', (_args: never, { call }) => {
    const confirmed = call.inputState !== undefined && accepted(call.inputResponses, 'confirm') !== undefined;
    return confirmed ? say('integrity-ok: state verified') : inputRequired({ confirm: field('Please confirm', 'ok', 'boolean') }, { round: 1 });
  }),
  fixture('test_input_required_result_multiple_inputs', 'Asks three things at once.', (_args: never, { call: { inputResponses } }) => {
    const name = accepted(inputResponses, 'user_name')?.name;
    const greeting = sampled(inputResponses, 'greeting');
    const found = rootsIn(inputResponses, 'client_roots');
    if (typeof name === 'string' && greeting !== undefined && Array.isArray(found)) return say(`${greeting} ${name}: ${found.length} root(s) visible`);
    return inputRequired({ user_name: field('What is your name?', 'name'), greeting: sample('Generate a greeting', 50), client_roots: roots }, { asked: 3 });
  }),
  fixture('test_input_required_result_multi_round', 'Asks twice.', (_args: never, { call }) => {
    const state = call.inputState as { round?: number; name?: string } | undefined;
    if (state?.round === undefined) return inputRequired({ step1: field('Step 1: What is your name?', 'name') }, { round: 1 });
    if (state.round === 1)
      return inputRequired(
        { step2: field('Step 2: What is your favorite color?', 'color') },
        { round: 2, name: String(accepted(call.inputResponses, 'step1')?.name) },
      );
    return say(`Multi-round complete: ${state.name} likes ${accepted(call.inputResponses, 'step2')?.color}`);
  }),
  fixture('test_input_required_result_capabilities', 'Asks only what the caller can answer.', (_args: never, context: CallContext) => {
    const { inputResponses, client } = context.call;
    if (inputResponses !== undefined) return say('fulfilled');
    const can = client?.capabilities ?? {};
    const requests: Record<string, InputRequest> = {
      ...(can.elicitation !== undefined && { user_name: field('What is your name?', 'name') }),
      ...(can.sampling !== undefined && { greeting: sample('Generate a short greeting', 50) }),
      ...(can.roots !== undefined && { client_roots: roots }),
    };
    return Object.keys(requests).length === 0 ? say('no capability supports a question') : inputRequired(requests);
  }),
];

/** What a prompt asks before it is rendered. */
export const contextQuestion = field('What context should the prompt use?', 'context');
