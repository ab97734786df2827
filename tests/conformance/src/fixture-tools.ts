import { type AnyTool, type CallContext, type ContentBlock, defineTool, type JsonObject, type ToolAnswer, type ToolSchema, toolAnswer } from '@meshwork/core';
import { fromJsonSchema } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { pixel, schema2020, silence } from './fixture-samples.ts';

const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

/** A tool of the suite: a name, what it answers, and a schema where it takes arguments. */
export function fixture(name: string, description: string, run: (args: never, context: CallContext) => unknown, input: ToolSchema = z.object({})): AnyTool {
  return defineTool({ name, description, category: 'conformance', effect: 'write', input, run: run as never });
}

export const say = (text: string): ToolAnswer => toolAnswer([{ type: 'text', text }]);

const image: ContentBlock = { type: 'image', data: pixel, mimeType: 'image/png' };

/** Tools that answer at once, or tell how far they are. */
export function plainTools(changeTools: () => void, changePrompts: () => void): AnyTool[] {
  return [
    fixture('test_simple_text', 'Answers with text.', () => say('This is a simple text response for testing.')),
    fixture('test_image_content', 'Answers with an image.', () => toolAnswer([image])),
    fixture('test_audio_content', 'Answers with sound.', () => toolAnswer([{ type: 'audio', data: silence, mimeType: 'audio/wav' }])),
    fixture('test_embedded_resource', 'Answers with a resource.', () =>
      toolAnswer([{ type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' } }]),
    ),
    fixture('test_multiple_content_types', 'Answers with text, an image and a resource.', () =>
      toolAnswer([
        { type: 'text', text: 'Multiple content types test:' },
        image,
        { type: 'resource', resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' } },
      ]),
    ),
    fixture('test_tool_with_logging', 'Logs while it works.', async (_args: never, { log }) => {
      for (const line of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await log('info', line);
        await pause();
      }
      return say('Tool with logging executed successfully');
    }),
    fixture('test_logging_tool', 'Logs once.', async (_args: never, { log }) => {
      await log('info', 'the logging tool ran');
      return say('logged');
    }),
    fixture('test_tool_with_progress', 'Tells how far it is.', async (_args: never, { progress }) => {
      for (const done of [0, 50, 100]) {
        await progress({ progress: done, total: 100, message: `Completed step ${done} of 100` });
        await pause();
      }
      return say('done');
    }),
    fixture('test_error_handling', 'Fails.', () => {
      throw new Error('This tool intentionally returns an error for testing');
    }),
    fixture('test_reconnection', 'Drops the stream its answer was to come on.', async (_args: never, { call }) => {
      call.channel.closeStream?.();
      await pause();
      await pause();
      return say('Reconnection test completed successfully.');
    }),
    fixture(
      'test_x_mcp_header',
      'Has an argument that is mirrored in a header.',
      ({ region }: { region?: string }) => say(`region=${region ?? '<none>'}`),
      fromJsonSchema({
        type: 'object',
        properties: { region: { type: 'string', description: 'mirrored', 'x-mcp-header': 'Region' }, level: { type: 'integer', description: 'not mirrored' } },
      } as JsonObject as never) as unknown as ToolSchema,
    ),
    fixture(
      'json_schema_2020_12_tool',
      'Has a schema with the vocabulary of 2020-12.',
      (args: never) => say(JSON.stringify(args)),
      fromJsonSchema(schema2020 as never) as unknown as ToolSchema,
    ),
    fixture('test_trigger_tool_change', 'Changes the list of tools.', () => {
      changeTools();
      return say('changed');
    }),
    fixture('test_trigger_prompt_change', 'Changes the list of prompts.', () => {
      changePrompts();
      return say('changed');
    }),
  ];
}
