import { defineModule, defineResource, type HubHandle, inputRequired, type Module, type Prompt, type PromptMessage } from '@meshwork/core';
import { accepted, contextQuestion, questionTools } from './fixture-questions.ts';
import { pixel } from './fixture-samples.ts';
import { taskTools } from './fixture-tasks.ts';
import { fixture, plainTools, say } from './fixture-tools.ts';

const user = (text: string): PromptMessage => ({ role: 'user', content: { type: 'text', text } });

const prompts: Prompt[] = [
  { name: 'test_simple_prompt', description: 'A prompt without arguments.', render: () => ({ messages: [user('This is a simple prompt for testing.')] }) },
  {
    name: 'test_prompt_with_arguments',
    description: 'A prompt with arguments.',
    arguments: [
      { name: 'arg1', description: 'First test argument', required: true, complete: () => ['value1', 'value2'] },
      { name: 'arg2', description: 'Second test argument', required: true },
    ],
    render: ({ arg1, arg2 }) => ({ messages: [user(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  },
  {
    name: 'test_prompt_with_embedded_resource',
    description: 'A prompt with a resource in it.',
    arguments: [{ name: 'resourceUri', description: 'URI of the resource', required: true }],
    render: ({ resourceUri = '' }) => ({
      messages: [
        { role: 'user', content: { type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } } },
        user('Please process the embedded resource above.'),
      ],
    }),
  },
  {
    name: 'test_prompt_with_image',
    description: 'A prompt with an image in it.',
    render: () => ({ messages: [{ role: 'user', content: { type: 'image', data: pixel, mimeType: 'image/png' } }, user('Please analyze the image above.')] }),
  },
  {
    name: 'test_input_required_result_prompt',
    description: 'A prompt that asks first.',
    render: (_args, { call }) => {
      const context = accepted(call.inputResponses, 'user_context')?.context;
      return typeof context === 'string' ? { messages: [user(`Use the following context: ${context}`)] } : inputRequired({ user_context: contextQuestion });
    },
  },
];

const resources = [
  defineResource({
    uri: 'test://static-text',
    name: 'static-text',
    title: 'Static text',
    description: 'Text.',
    mimeType: 'text/plain',
    read: () => ({ text: 'This is the content of the static text resource.' }),
  }),
  defineResource({
    uri: 'test://static-binary',
    name: 'static-binary',
    title: 'Static bytes',
    description: 'An image.',
    mimeType: 'image/png',
    read: () => ({ blob: pixel }),
  }),
  defineResource({
    uri: 'test://watched-resource',
    name: 'watched-resource',
    title: 'Watched',
    description: 'For subscribing.',
    mimeType: 'text/plain',
    read: () => ({ text: 'Watched resource content' }),
  }),
  defineResource({
    uri: 'test://template/{id}/data',
    name: 'template',
    title: 'A family',
    description: 'With a variable.',
    mimeType: 'application/json',
    read: ({ variables: { id } }) => ({ json: { id, templateTest: true, data: `Data for ID: ${id}` } }),
  }),
];

/** Everything the official conformance suite asks a server to carry. */
export function conformanceFixture(): Module {
  let hub: HubHandle | undefined;
  const changeTools = () => hub?.register({ tools: [fixture('test_passing', 'Comes and goes.', () => say('hello'))] })();
  const changePrompts = () => hub?.register({ prompts: [{ name: 'test_passing', render: () => ({ messages: [] }) }] })();
  return defineModule({
    name: 'conformance',
    tools: [
      ...plainTools(
        () => changeTools(),
        () => changePrompts(),
      ),
      ...questionTools,
      ...taskTools,
    ],
    resources,
    prompts,
    attach(handle: HubHandle) {
      hub = handle;
    },
  });
}
