import { type AnyTool, type CatalogueView, type JsonObject, type Prompt, type Resource, toJsonSchema } from '@meshwork/core';
import type { Prompt as McpPrompt, Resource as McpResource, ResourceTemplateType as McpResourceTemplate, Tool as McpTool } from '@modelcontextprotocol/server';

/** What a caller is shown of a hub's catalogue, in MCP's words. */
export interface CatalogueLists {
  readonly tools: McpTool[];
  readonly resources: McpResource[];
  readonly templates: McpResourceTemplate[];
  readonly prompts: McpPrompt[];
}

const cache = new WeakMap<CatalogueView, CatalogueLists>();
const described = new WeakMap<AnyTool, McpTool>();
const schemas = new WeakMap<AnyTool, JsonObject>();

/** The lists, made once for all who are shown the same, and each tool's description once for everybody. */
export function listsOf(view: CatalogueView): CatalogueLists {
  let lists = cache.get(view);
  if (lists === undefined) {
    lists = {
      tools: view.tools.map(toolOnce),
      resources: view.resources.map(describeResource),
      templates: view.templates.map(describeTemplate),
      prompts: view.prompts.map(describePrompt),
    };
    cache.set(view, lists);
  }
  return lists;
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

function toolOnce(tool: AnyTool): McpTool {
  let known = described.get(tool);
  if (known === undefined) {
    known = describeTool(tool);
    described.set(tool, known);
  }
  return known;
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
