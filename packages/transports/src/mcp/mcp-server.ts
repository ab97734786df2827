import type {
  CallerChannel,
  CallKind,
  CallRequest,
  CallResult,
  CatalogueView,
  ClientFacts,
  Completer,
  Face,
  Hub,
  InputRequired,
  JsonValue,
  LogLevel,
  Principal,
  TraceContext,
} from '@meshwork/core';
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  type RequestStateCodec,
  Server,
  type ServerCapabilities,
  type ServerContext,
  type ServerOptions,
} from '@modelcontextprotocol/server';
import { listsOf } from './catalogue-lists.ts';
import { asAnswerToCall } from './error-records.ts';
import { serveTasks } from './tasks/serve-tasks.ts';
import { declaresTasks, isTaskRefusal, TASKS, tasksRequired } from './tasks/tasks-extension.ts';
import { toMcpResult } from './to-mcp-result.ts';
import { toProtocolError } from './to-protocol-error.ts';

/** The state of a question to the caller, sealed while it is with the caller. */
export interface SealedState {
  /** The principal, the call's kind and name: a state is of no use to anybody or anything else. */
  readonly for: string;
  readonly state: JsonValue;
}

export interface McpServerOptions {
  readonly principal: Principal;
  readonly face: Face;
  /** `legacy` are the 2025 revisions, which have no tasks of this kind. */
  readonly era: 'modern' | 'legacy';
  readonly stateCodec: RequestStateCodec<SealedState>;
  /** Shared between servers: making one costs more than a call. */
  readonly jsonSchemaValidator: NonNullable<ServerOptions['jsonSchemaValidator']>;
  /** Milliseconds a call may take. */
  readonly callTimeoutMs: number;
  /** The hub's answer, when the call was made already. */
  readonly answered?: InputRequired;
  /** Is told when the hub is called. */
  readonly onCall?: () => void;
  readonly onError: (error: unknown) => void;
}

const capabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  logging: {},
  completions: {},
};

/** What a hub can do for a client of the present revision. */
export function capabilitiesOf({ operations }: Hub): ServerCapabilities {
  return operations === undefined ? capabilities : { ...capabilities, extensions: { [TASKS]: {} } };
}

/**
 * One SDK server that shows a hub to one principal, over whatever transport it is connected to. It holds no logic: lists come from the
 * hub's catalogue, everything else goes through `hub.call`.
 */
export function createMcpServer(hub: Hub, options: McpServerOptions): Server {
  const { face, era, stateCodec, jsonSchemaValidator, callTimeoutMs, onError } = options;
  const server = new Server(hub.info, {
    capabilities: era === 'modern' ? capabilitiesOf(hub) : capabilities,
    ...(hub.instructions !== undefined && { instructions: hub.instructions }),
    jsonSchemaValidator,
    requestState: { verify: (state, context) => stateCodec.verify(state, context) },
  });
  server.onerror = onError;

  const call = async (kind: CallKind, name: string, args: unknown, context: ServerContext) => {
    const { mcpReq } = context;
    // Read anew for each call: on a connection that lasts, what its owner may do can change.
    const { principal } = options;
    const purpose = JSON.stringify([principal.id, kind, name]);
    const sealed = mcpReq.requestState<SealedState>();
    if (sealed !== undefined && sealed.for !== purpose) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'the requestState belongs to another call');
    const request: CallRequest = {
      kind,
      name,
      arguments: args,
      principal,
      face,
      signal: mcpReq.signal,
      deadline: Date.now() + callTimeoutMs,
      channel: channelOf(context),
      client: clientOf(server, context),
      asTask: declaresTasks(mcpReq.envelope),
      ...traceOf(context),
      ...(mcpReq.inputResponses !== undefined && { inputResponses: mcpReq.inputResponses }),
      ...(sealed !== undefined && { inputState: sealed.state }),
    };
    let result: CallResult;
    options.onCall?.();
    try {
      result = options.answered ?? (await hub.call(request));
    } catch (error) {
      throw asAnswerToCall(toProtocolError(error));
    }
    // The revisions before have no such error: their clients get the tool's own failure, which says what to do.
    if (era === 'modern' && isTaskRefusal(result)) throw asAnswerToCall(tasksRequired());
    return toMcpResult(result, (state) => stateCodec.mint({ for: purpose, state }));
  };

  // Read anew each time, as for calls.
  const shown = () => listsOf(hub.visibleTo(options.principal));
  server.setRequestHandler('tools/list', () => ({ tools: shown().tools }));
  server.setRequestHandler('resources/list', () => ({ resources: shown().resources }));
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: shown().templates }));
  server.setRequestHandler('prompts/list', () => ({ prompts: shown().prompts }));
  // The hub's results are the protocol's by construction; the SDK checks tools/call results once more on the way out.
  server.setRequestHandler('tools/call', ({ params }, context) => call('tool', params.name, params.arguments, context) as never);
  server.setRequestHandler('resources/read', ({ params }, context) => call('resource', params.uri, undefined, context) as never);
  server.setRequestHandler('prompts/get', ({ params }, context) => call('prompt', params.name, params.arguments, context) as never);
  server.setRequestHandler('completion/complete', async ({ params }) => {
    const { principal } = options;
    const request = { principal, arguments: params.context?.arguments ?? {} };
    const values = (await completerOf(hub.visibleTo(principal), params)?.(params.argument.value, request)) ?? [];
    return { completion: { values: values.slice(0, 100), total: values.length, hasMore: values.length > 100 } };
  });
  if (era === 'modern' && hub.operations !== undefined) serveTasks(server, (name, args, context) => call('tool', name, args, context));
  return server;
}

function completerOf(
  view: CatalogueView,
  { ref, argument }: { ref: { type: string; name?: string; uri?: string }; argument: { name: string } },
): Completer | undefined {
  if (ref.type === 'ref/prompt') return view.prompts.find(({ name }) => name === ref.name)?.arguments?.find(({ name }) => name === argument.name)?.complete;
  const resource = view.templates.find(({ uri }) => uri === ref.uri);
  return resource?.complete && Object.hasOwn(resource.complete, argument.name) ? resource.complete[argument.name] : undefined;
}

/** Nobody hears what is said to a caller that has gone; a tool need not handle that, its signal says it. */
function channelOf({ mcpReq, http }: ServerContext): CallerChannel {
  const progressToken = mcpReq._meta?.progressToken;
  return {
    ...(progressToken !== undefined && {
      progress: (step) => mcpReq.notify({ method: 'notifications/progress', params: { progressToken, ...step } }).catch(() => {}),
    }),
    log: (level: LogLevel, data: unknown, logger?: string) => mcpReq.log(level, data, logger).catch(() => {}),
    ...(http?.closeSSE !== undefined && { closeStream: http.closeSSE }),
  };
}

function clientOf(server: Server, { mcpReq }: ServerContext): ClientFacts {
  const envelope = mcpReq.envelope as
    | { [CLIENT_INFO_META_KEY]?: { name: string; version: string }; [CLIENT_CAPABILITIES_META_KEY]?: Record<string, unknown> }
    | undefined;
  const info = envelope?.[CLIENT_INFO_META_KEY] ?? server.getClientVersion();
  const capabilities = envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.getClientCapabilities();
  return { ...(info !== undefined && { name: info.name, version: info.version }), ...(capabilities !== undefined && { capabilities }) };
}

function traceOf({ mcpReq, http }: ServerContext): { trace?: TraceContext } {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const traceparent = text(mcpReq._meta?.traceparent) ?? http?.req?.headers.get('traceparent') ?? undefined;
  if (traceparent === undefined) return {};
  const tracestate = text(mcpReq._meta?.tracestate) ?? http?.req?.headers.get('tracestate') ?? undefined;
  return { trace: { traceparent, ...(tracestate !== undefined && { tracestate }) } };
}
