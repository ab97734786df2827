import SwaggerParser from '@apidevtools/swagger-parser';
import { type AnyTool, createHub, defineTool, type JsonObject, toolAnswer } from '@meshwork/core';
import { createFetchHandler } from '@meshwork/transports';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { restTools, withRest } from './rest-world.ts';
import { alice } from './world.ts';

type Document = { paths: Record<string, Record<string, JsonObject>>; components: { schemas: Record<string, JsonObject> } } & JsonObject;

/** A tool whose JSON Schema is what a stranger wrote. */
function hostile(name: string, schema: unknown, output?: unknown): AnyTool {
  const as = (json: unknown) => ({
    '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }), jsonSchema: { input: () => json, output: () => json } },
  });
  return {
    name,
    description: `# ${name} </script> {{x}}`,
    category: name,
    effect: 'write',
    input: as(schema),
    ...(output !== undefined && { output: as(output) }),
    run: () => toolAnswer([]),
  } as unknown as AnyTool;
}

let deep: JsonObject = { type: 'string' };
for (let level = 0; level < 500; level++) deep = { type: 'object', properties: { deeper: deep } };

const hostiles: readonly AnyTool[] = [
  hostile('..', {}),
  hostile('.', {}),
  hostile('{id}', {}),
  hostile('a/../../b?c#d', {}),
  hostile('__proto__', { properties: JSON.parse('{"__proto__": {"type": "string"}, "constructor": {"type": "number"}}') }),
  hostile('hasOwnProperty', {}),
  hostile('ünï 🙂 "quotes"', { description: 5 }),
  hostile('remote', { $ref: 'https://evil.example/schema.json', properties: { a: { $ref: 'file:///etc/passwd' }, b: { $ref: '//evil.example' } } }),
  hostile('dangling', { $ref: '#/nope', properties: { a: { $ref: '#/$defs/none' }, b: { $ref: 5 }, c: { $ref: '#anchor' } } }),
  hostile('whole', { $ref: '#', properties: { again: { $ref: '#' } } }),
  hostile('moved', { $id: 'https://evil.example/base', $schema: 'http://json-schema.org/draft-04/schema#', $anchor: 'x', $dynamicAnchor: 'y' }),
  hostile('data', { const: { $ref: 'https://evil.example' }, default: { $id: 'kept' }, properties: { $ref: { type: 'string' }, $id: { type: 'string' } } }),
  hostile('misplaced', { properties: [], items: 5, allOf: 'x', $defs: null, anyOf: [null, true, { $ref: '#/anyOf/1' }] }),
  hostile('deep', deep),
];

async function documentOf(tools: readonly AnyTool[], path = '/mcp'): Promise<Document> {
  await using hub = createHub({ info: { name: 'test', version: '1.2.3' }, modules: [{ name: 'm', tools }] });
  const handler = createFetchHandler(hub, { authenticator: { everybody: alice }, path });
  const answer = await handler(new Request('http://127.0.0.1/openapi.json', { headers: { host: '127.0.0.1' } }));
  await handler.close();
  expect(answer.status).toBe(200);
  return (await answer.json()) as Document;
}

/** Nothing may be fetched or read from disk on the way. */
const validate = (document: unknown) =>
  SwaggerParser.validate(
    structuredClone(document) as never,
    { resolve: { external: false, file: false, http: false }, dereference: { circular: 'ignore' } } as never,
  );

const tree = z.object({
  name: z.string(),
  get children() {
    return z.array(tree);
  },
});
const treeTool = defineTool({
  name: 'tree.walk',
  title: 'Walk',
  description: 'Walks a tree.',
  category: 'test',
  effect: 'read',
  input: z.strictObject({ tree, limit: z.number().int().min(1).default(5) }),
  output: z.object({ found: tree }),
  run: ({ tree: found }) => ({ found }),
});

describe('the OpenAPI document', () => {
  it('is valid, for a plain hub and an empty one', async () => {
    for (const document of [await documentOf([...restTools, treeTool]), await documentOf([]), await documentOf([treeTool], '/')]) {
      expect(document.openapi).toBe('3.1.1');
      await expect(validate(document)).resolves.toBeDefined();
    }
  });

  it('would not pass with a reference to nothing, or a tool without answers', async () => {
    const { paths, ...rest } = await documentOf([treeTool]);
    const { post } = paths['/mcp/tools/tree.walk'] as { post: JsonObject };
    const { responses: _, ...unanswered } = post;
    await expect(validate({ ...rest, paths: { '/x': { post: { ...unanswered, responses: 5 } } } })).rejects.toThrow();
    await expect(validate({ ...rest, paths: { '/x': { post: { ...unanswered, requestBody: { $ref: '#/nope' } } } } })).rejects.toThrow();
  });

  it('has a path, schemas and problems for each tool', async () => {
    const document = await documentOf([...restTools, treeTool]);
    expect(document.paths['/mcp/tools/tree.walk']?.post).toMatchObject({
      operationId: 'tool_tree.walk',
      summary: 'Walk',
      description: 'Walks a tree.',
      requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/tree.walk.input' } } } },
      responses: { 200: { description: expect.any(String) }, '4XX': { $ref: '#/components/responses/Problem' } },
    });
    expect(document.security).toEqual([{ bearer: [] }, { apiKey: [] }]);
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('holds schemas that mean what the tool’s own do, those that refer to themselves too', async () => {
    const document = await documentOf([treeTool]);
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema({ $id: 'doc', ...document }, 'doc');
    const takes = ajv.compile({ $ref: 'doc#/components/schemas/tree.walk.input' });
    const leaf = { name: 'a', children: [] };
    expect(takes({ tree: leaf })).toBe(true);
    expect(takes({ tree: { name: 'a', children: [{ name: 'b', children: [leaf] }] }, limit: 1 })).toBe(true);
    expect(takes({ tree: { name: 'a', children: [{ name: 'b', children: [5] }] } })).toBe(false);
    expect(takes({ tree: leaf, limit: 0 })).toBe(false);
    expect(takes({ tree: leaf, more: 1 })).toBe(false);
  });

  it('stays valid whatever tools are called and their schemas hold', async () => {
    for (const tools of [...hostiles.map((tool) => [tool]), hostiles]) await expect(validate(await documentOf(tools)), tools[0]!.name).resolves.toBeDefined();
  });

  it('makes nobody fetch, and leaves data alone', async () => {
    const document = await documentOf(hostiles);
    const { 'data.input': data, 'remote.input': remote, 'dangling.input': dangling, 'whole.input': whole } = document.components.schemas;
    expect(remote).toEqual({ type: 'object', properties: { a: {}, b: {} } });
    expect(dangling).toEqual({ type: 'object', properties: { a: {}, b: {}, c: {} } });
    expect(whole).toEqual({ type: 'object', properties: { again: { $ref: '#/components/schemas/whole.input' } } });
    expect(data).toEqual({
      type: 'object',
      const: { $ref: 'https://evil.example' },
      default: { $id: 'kept' },
      properties: { $ref: { type: 'string' }, $id: { type: 'string' } },
    });
    expect(
      Object.keys(document.paths)
        .filter((path) => path.startsWith('/mcp/tools/'))
        .sort(),
    ).toEqual(
      hostiles
        .filter(({ name }) => !/^\.+$/.test(name))
        .map(({ name }) => `/mcp/tools/${encodeURIComponent(name)}`)
        .sort(),
    );
  });

  it('is made again when the catalogue has changed, and not before', () =>
    withRest(async ({ hub, send, origin }) => {
      const paths = async () => Object.keys((await (await send('/openapi.json')).json()).paths);
      const before = await paths();
      let described = 0;
      const counted = {
        ...treeTool,
        get description() {
          described += 1;
          return 'x';
        },
      };
      const remove = hub.register({ tools: [counted as AnyTool] });
      expect((await paths()).filter((path) => !before.includes(path))).toEqual(['/mcp/tools/tree.walk']);
      const once = described;
      await paths();
      expect(described).toBe(once);
      remove();
      expect(await paths()).toEqual(before);
      expect((await fetch(`${origin}/openapi.json`)).status).toBe(401);
    }));
});
