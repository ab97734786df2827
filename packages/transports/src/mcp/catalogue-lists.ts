import { type AnyTool, type Hub, type JsonObject, type Prompt, type Resource, toJsonSchema } from '@meshwork/core';
import type { Prompt as McpPrompt, Resource as McpResource, ResourceTemplateType as McpResourceTemplate, Tool as McpTool } from '@modelcontextprotocol/server';

/** A hub's catalogue in MCP's words. */
export interface CatalogueLists {
  readonly tools: McpTool[];
  readonly resources: McpResource[];
  readonly templates: McpResourceTemplate[];
  readonly prompts: McpPrompt[];
}

interface Cached extends CatalogueLists {
  readonly from: readonly [readonly unknown[], readonly unknown[], readonly unknown[], readonly unknown[]];
}

const cache = new WeakMap<Hub, Cached>();
const schemas = new WeakMap<AnyTool, JsonObject>();

/** The lists, made again only when the catalogue has changed. */
export function listsOf(hub: Hub): CatalogueLists {
  const { tools, resources, templates, prompts } = hub.catalogue;
  const from = [tools, resources, templates, prompts] as const;
  const known = cache.get(hub);
  if (known?.from.every((list, index) => list === from[index])) return known;
  const made: Cached = {
    from,
    tools: tools.map(describeTool),
    resources: resources.map(describeResource),
    templates: templates.map(describeTemplate),
    prompts: prompts.map(describePrompt),
  };
  cache.set(hub, made);
  return made;
}

/** The JSON Schema of a tool's arguments, made once. */
export function inputSchemaOf(tool: AnyTool): JsonObject {
  let schema = schemas.get(tool);
  if (schema === undefined) {
    schema = toJsonSchema(tool.input, 'input');
    schemas.set(tool, schema);
  }
  return schema;
}

function describeTool(tool: AnyTool): McpTool {
  const { name, title, description, effect, annotations, output, _meta } = tool;
  return {
    name,
    ...(title !== undefined && { title }),
    description,
    inputSchema: inputSchemaOf(tool) as McpTool['inputSchema'],
    ...(output !== undefined && { outputSchema: outputSchemaOf(toJsonSchema(output, 'output')) as McpTool['outputSchema'] }),
    annotations: { readOnlyHint: effect === 'read', destructiveHint: effect === 'admin', ...annotations },
    ...(_meta !== undefined && { _meta }),
  } as McpTool;
}

/** What every failed answer holds. */
const failure = { type: 'object', properties: { code: { type: 'string' }, message: { type: 'string' } }, required: ['code', 'message'] };

/** The tool's own answer, or a failure: clients of the 1.x line check the structured content of failed answers too. */
function outputSchemaOf({ $schema, $defs, ...answer }: JsonObject): JsonObject {
  return { ...($schema !== undefined && { $schema }), ...($defs !== undefined && { $defs }), type: 'object', anyOf: [answer, failure] };
}

function describeResource({ uri, name, title, description, mimeType, annotations }: Resource): McpResource {
  return {
    uri,
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(mimeType !== undefined && { mimeType }),
    ...(annotations !== undefined && { annotations }),
  } as McpResource;
}

function describeTemplate(resource: Resource): McpResourceTemplate {
  const { uri, ...rest } = describeResource(resource);
  return { ...rest, uriTemplate: uri } as McpResourceTemplate;
}

function describePrompt({ name, title, description, arguments: args = [] }: Prompt): McpPrompt {
  return {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    arguments: args.map(({ name: argument, description: text, required = false }) => ({
      name: argument,
      ...(text !== undefined && { description: text }),
      required,
    })),
  };
}
