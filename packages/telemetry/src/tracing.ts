import { type Call, type CallKind, type CallResult, type Catalogue, defineModule, type Ended, type Module, redactSecrets, type Stage } from '@meshwork/core';
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Link,
  type ProxyTracerProvider,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { endOf } from './outcome.ts';

export interface TracingOptions {
  /** Default: the tracer `@meshwork/telemetry` of the global provider, as soon as one is registered. */
  readonly tracer?: Tracer;
  /** Whose trace is continued. The spans of others begin a trace of their own, with a link to theirs. Default: everybody's. */
  readonly continueTraceOf?: (call: Call) => boolean;
}

const methods: Readonly<Record<CallKind, string>> = { tool: 'tools/call', resource: 'resources/read', prompt: 'prompts/get' };
const MAX_VALUE = 256;

/**
 * A span of every call, by the OpenTelemetry conventions for MCP
 * (https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md), a child of the caller's. It is active while
 * the call runs, so that spans of tools are its children. Put the module first: within a slot, the first module is the outermost.
 */
export function tracing({ tracer: given, continueTraceOf = () => true }: TracingOptions = {}): Module {
  let catalogue: Catalogue | undefined;
  let tracer = given;
  const publish: Stage = ({ call }, next) => {
    tracer ??= registeredTracer();
    if (tracer === undefined || catalogue === undefined) return next();
    return inSpan(tracer, call, catalogue, continueTraceOf(call), next);
  };
  return defineModule({
    name: 'tracing',
    stages: { publish },
    attach: (hub) => {
      catalogue = hub.catalogue;
    },
  });
}

/** Asks the global provider itself, because its tracers, when nothing is registered, do work for spans that go nowhere. */
function registeredTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  const name = '@meshwork/telemetry';
  return 'getDelegateTracer' in provider ? (provider as ProxyTracerProvider).getDelegateTracer(name) : provider.getTracer(name);
}

async function inSpan(tracer: Tracer, call: Call, catalogue: Catalogue, continued: boolean, next: () => Promise<CallResult>): Promise<CallResult> {
  const { parent, links } = originOf(call, continued);
  const { name, attributes } = describe(call, catalogue);
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes, links }, parent);
  try {
    const result = await context.with(trace.setSpan(parent, span), next);
    if (span.isRecording()) markEnd(span, call, { result, error: undefined }, catalogue);
    return result;
  } catch (error) {
    if (span.isRecording()) markEnd(span, call, { result: undefined, error }, catalogue);
    throw error;
  } finally {
    span.end();
  }
}

/** The conventions: the request's own trace context is the parent, and what surrounds it, such as the HTTP request's span, is linked. */
function originOf({ trace: carrier }: Call, continued: boolean): { parent: Context; links: Link[] } {
  const ambient = context.active();
  if (carrier === undefined) return { parent: ambient, links: [] };
  const outside = trace.deleteSpan(ambient);
  const remote = propagation.extract(outside, carrier);
  const from = trace.getSpanContext(remote);
  if (from === undefined || !isSpanContextValid(from)) return { parent: ambient, links: [] };
  if (!continued) return { parent: ambient, links: [{ context: from }] };
  const around = trace.getSpanContext(ambient);
  return { parent: remote, links: around === undefined ? [] : [{ context: around }] };
}

/** The span's name holds names of the catalogue only, so that callers cannot make up new ones. */
function describe({ kind, name, id, face, principal }: Call, catalogue: Catalogue): { name: string; attributes: Attributes } {
  const method = methods[kind];
  const target = kind === 'resource' ? undefined : catalogue.find(kind, name);
  const known = target?.kind === 'tool' ? target.tool.name : target?.kind === 'prompt' ? target.prompt.name : undefined;
  const attributes: Attributes = {
    'mcp.method.name': method,
    'meshwork.call.id': id,
    'meshwork.face': face,
    'meshwork.principal.id': clean(principal.id),
    ...(kind === 'tool' && { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': clean(known ?? name) }),
    ...(kind === 'prompt' && { 'gen_ai.prompt.name': clean(known ?? name) }),
    ...(kind === 'resource' && { 'mcp.resource.uri': clean(name) }),
    ...(principal.address !== undefined && { 'client.address': principal.address }),
    ...networkOf[face],
  };
  return { name: known === undefined ? method : `${method} ${known}`, attributes };
}

const networkOf: Readonly<Record<Call['face'], Attributes>> = {
  mcp: { 'network.transport': 'tcp', 'network.protocol.name': 'http' },
  rest: { 'network.transport': 'tcp', 'network.protocol.name': 'http' },
  ws: { 'network.transport': 'tcp', 'network.protocol.name': 'websocket' },
  stdio: { 'network.transport': 'pipe' },
  local: {},
};

/** What went wrong, by its code only: messages and stacks may quote arguments. */
function markEnd(span: Span, call: Call, ended: Ended, catalogue: Catalogue): void {
  const { code, outcome } = endOf(call, ended, catalogue);
  span.setAttribute('meshwork.outcome', outcome);
  if (code === undefined) return;
  const shown = clean(code);
  // MCP conventions: a result with `isError` is `tool_error`, whatever its own code.
  span.setAttributes({ 'error.type': ended.result === undefined ? shown : 'tool_error', 'meshwork.error.code': shown });
  span.setStatus({ code: SpanStatusCode.ERROR, message: shown });
  if (ended.result === undefined) span.recordException({ code: shown, name: ended.error instanceof Error ? ended.error.name : 'Error' });
}

function clean(text: string): string {
  const redacted = redactSecrets(text);
  return (redacted.length > MAX_VALUE ? `${redacted.slice(0, MAX_VALUE)}…` : redacted).toWellFormed();
}
