import { type AnyTool, type CatalogueView, type Hub, type JsonObject, type JsonValue, toJsonSchema } from '@meshwork/core';
import { inputSchemaOf } from '../mcp/catalogue-lists.ts';
import { portableSchema } from './portable-schema.ts';

/** An OpenAPI 3.1 document of what a caller is shown of a hub: a path for each tool, with the schemas it has, and the faces that every hub has. */
export function openApiOf(hub: Hub, view: CatalogueView, base: string): JsonObject {
  const tools = view.tools.filter(({ name }) => name !== '.' && name !== '..');
  return {
    openapi: '3.1.1',
    info: {
      title: hub.info.title ?? hub.info.name,
      version: hub.info.version,
      ...(hub.instructions !== undefined && { description: hub.instructions }),
    },
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: [...new Set(tools.map(({ category }) => category))].map((name) => ({ name })),
    paths: { ...fixedPaths(base), ...Object.fromEntries(tools.map((tool) => [`${base}/tools/${encodeURIComponent(tool.name)}`, pathOf(tool)])) },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' } },
      parameters,
      responses: { Problem: { description: 'A refusal or a failure (RFC 9457).', content: { 'application/problem+json': { schema: schemaRef('Problem') } } } },
      schemas: { ...sharedSchemas, ...Object.fromEntries(tools.flatMap(schemasOf)) },
    },
  };
}

function pathOf(tool: AnyTool): JsonObject {
  const { name, title, description, category, output } = tool;
  const properties: JsonObject = {
    content: { type: 'array', items: schemaRef('Content') },
    ...(output !== undefined && { structuredContent: schemaRef(keyOf(tool, 'output')) }),
    isError: { const: false },
  };
  return {
    post: {
      operationId: `tool_${name}`,
      summary: title ?? name,
      description,
      tags: [category],
      parameters: Object.keys(parameters).map((key) => ({ $ref: `#/components/parameters/${key}` })),
      requestBody: { content: { 'application/json': { schema: schemaRef(keyOf(tool, 'input')) } } },
      responses: {
        200: answered('What the tool answers.', {
          type: 'object',
          properties,
          required: ['content', ...(output === undefined ? [] : ['structuredContent']), 'isError'],
        }),
        ...problems,
      },
    },
  };
}

function schemasOf(tool: AnyTool): [string, JsonValue][] {
  const placed = (side: 'input' | 'output', schema: JsonObject): [string, JsonValue] => {
    const key = keyOf(tool, side);
    return [key, portableSchema(schema, `#/components/schemas/${key}`)];
  };
  return [placed('input', inputSchemaOf(tool)), ...(tool.output === undefined ? [] : [placed('output', toJsonSchema(tool.output, 'output'))])];
}

/** Keys of components are plain words; a name that is none is spelled out, each such character by its number. */
function keyOf({ name }: AnyTool, side: 'input' | 'output'): string {
  const plain = name.replace(/[^A-Za-z0-9._-]/gu, (character) => `_u${character.codePointAt(0)?.toString(16)}_`);
  return `${plain}.${side}`;
}

function schemaRef(key: string): JsonObject {
  return { $ref: `#/components/schemas/${key}` };
}

function answered(description: string, schema: JsonObject = {}, type = 'application/json'): JsonObject {
  return { description, content: { [type]: { schema } } };
}

const problems: JsonObject = { '4XX': { $ref: '#/components/responses/Problem' }, '5XX': { $ref: '#/components/responses/Problem' } };

const parameters: JsonObject = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'Two calls of one caller with one key are one call.',
    schema: { type: 'string', maxLength: 255 },
  },
  TimeoutMs: { name: 'X-Timeout-Ms', in: 'header', description: 'Milliseconds the caller waits for the answer.', schema: { type: 'integer', minimum: 0 } },
  Traceparent: { name: 'traceparent', in: 'header', description: 'W3C trace context.', schema: { type: 'string' } },
};

const sharedSchemas: JsonObject = {
  Content: { description: 'A content block of MCP.', type: 'object', properties: { type: { type: 'string' } }, required: ['type'] },
  Problem: {
    type: 'object',
    properties: {
      type: { type: 'string' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string', description: 'What happened, to what, and what to do.' },
      code: { type: 'string', description: 'The stable name to dispatch on, such as INVALID_INPUT, DENIED, NOT_FOUND or CONFLICT.' },
    },
    required: ['type', 'title', 'status', 'detail', 'code'],
  },
  Execute: {
    type: 'object',
    properties: { tool: { type: 'string' }, params: { type: 'object' } },
    required: ['tool'],
  },
};

function fixedPaths(base: string): JsonObject {
  const get = (operationId: string, summary: string, more: JsonObject = {}): JsonObject => ({
    get: { operationId, summary, responses: { 200: answered(summary), ...problems }, ...more },
  });
  return {
    [`${base}/tools`]: get('listTools', 'The tools of this hub, as MCP describes them.'),
    [`${base}/resources`]: get('listResources', 'The resources of this hub and the templates of families of them.'),
    [`${base}/resources/{uri}`]: get('readResource', 'What a resource holds.', {
      parameters: [{ name: 'uri', in: 'path', required: true, description: 'The whole URI, percent-encoded.', schema: { type: 'string' } }],
    }),
    [`${base}/prompts`]: get('listPrompts', 'The prompts of this hub.'),
    [`${base}/execute`]: {
      post: {
        operationId: 'execute',
        summary: 'Calls the tool that the body names.',
        requestBody: { required: true, content: { 'application/json': { schema: schemaRef('Execute') } } },
        responses: { 200: answered('What the tool answers.'), ...problems },
      },
    },
    [`${base}/health`]: get('readHealth', 'How the hub is; without a key only whether it is up.', { security: [{ bearer: [] }, { apiKey: [] }, {}] }),
    [`${base}/metrics`]: get('readMetrics', 'What the hub has counted.', {
      responses: {
        200: { description: 'The counts.', content: { 'application/json': { schema: {} }, 'text/plain': { schema: { type: 'string' } } } },
        ...problems,
      },
    }),
    [`${base}/agents`]: get('listAgents', 'Who is connected.'),
  };
}
