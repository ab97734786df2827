import { type CallResult, type Hub, InvalidInputError, type JsonObject, NotFoundError, type ToolAnswer } from '@meshwork/core';
import { json, type PlainResponse } from '../http/plain-http.ts';
import { listsOf } from '../mcp/catalogue-lists.ts';
import { decodePart, type Endpoint, type EndpointHandler } from './endpoint.ts';
import { problem } from './problem.ts';
import { type BodyCaps, readObject } from './read-object.ts';
import type { RestCall } from './rest-call.ts';

export interface ToolEndpointsOptions {
  readonly hub: Hub;
  readonly call: RestCall;
  /** The path of the MCP endpoint, beside which they stand; empty at the root. */
  readonly base: string;
  readonly body: BodyCaps;
}

/** Tools: list them, describe one, and call it. `/api/tools` is the same under the name that Formation's clients know. */
export function toolEndpoints({ hub, call, base, body: caps }: ToolEndpointsOptions): readonly Endpoint[] {
  const list: EndpointHandler = ({ principal }) => json({ tools: listsOf(hub.visibleTo(principal)).tools });
  const describe: EndpointHandler = ({ rest, principal }) => {
    const name = decodePart(rest);
    const found = listsOf(hub.visibleTo(principal)).tools.find((tool) => tool.name === name);
    if (found === undefined) throw new NotFoundError(`there is no tool ${JSON.stringify(name)}; list the tools to see what there is`);
    return json(found);
  };
  const run: EndpointHandler = async (from) => {
    const name = decodePart(from.rest);
    return toolResponse(await call({ kind: 'tool', name, arguments: await readObject(from.request, caps) }, from));
  };
  /** The seed's way: the tool's name in the body. */
  const execute: EndpointHandler = async (from) => {
    const body = await readObject(from.request, caps);
    const name = oneOf(body, 'tool', 'name');
    if (typeof name !== 'string' || name === '') throw new InvalidInputError('the body must name a tool: {"tool": "…", "params": {…}}');
    return toolResponse(await call({ kind: 'tool', name, arguments: oneOf(body, 'params', 'arguments') ?? {} }, from));
  };
  return [
    { path: `${base}/tools`, GET: list },
    { path: `${base}/tools/*`, GET: describe, POST: run },
    { path: `${base}/execute`, POST: execute },
    { path: '/api/tools', GET: list },
    { path: '/api/tools/*', GET: describe, POST: run },
  ];
}

/** A tool's answer: 200, or the problem it failed with. */
export function toolResponse(result: CallResult, bodyOf: (answer: ToolAnswer) => unknown = wholeAnswer): PlainResponse {
  if (result.kind !== 'tool') throw new TypeError(`a tool answered as a ${result.kind}`);
  return result.isError ? failureOf(result) : json(bodyOf(result));
}

function wholeAnswer({ content, structuredContent, _meta }: ToolAnswer): object {
  return { content, ...(structuredContent !== undefined && { structuredContent }), isError: false, ...(_meta !== undefined && { _meta }) };
}

/** The hub's refusals say code and message; what else a tool says with `isError` is a 422 whose code is the tool's own, or `TOOL_FAILED`. */
function failureOf({ content, structuredContent }: ToolAnswer): PlainResponse {
  const isObject = typeof structuredContent === 'object' && structuredContent !== null && !Array.isArray(structuredContent);
  const { code, message, ...members } = isObject ? (structuredContent as JsonObject) : {};
  const texts = content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
  const detail = typeof message === 'string' ? message : texts.join('\n') || 'the tool failed and did not say why';
  const isOnlyText = texts.length === content.length && typeof code === 'string';
  return problem(typeof code === 'string' ? code : 'TOOL_FAILED', detail, { members: { ...members, ...(!isOnlyText && { content }) } });
}

function oneOf(body: Readonly<Record<string, unknown>>, first: string, second: string): unknown {
  if (Object.hasOwn(body, first) && Object.hasOwn(body, second)) throw new InvalidInputError(`the body has both "${first}" and "${second}"; send one of them`);
  return Object.hasOwn(body, first) ? body[first] : Object.hasOwn(body, second) ? body[second] : undefined;
}
