import { createHub, defineTool, type Module, toolAnswer } from '@meshwork/core';
import { tracing } from '@meshwork/telemetry';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { AlwaysOffSampler, InMemorySpanExporter, ParentBasedSampler, type Sampler, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hubWith, principal, secrets } from './hub-for-tests.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';
const remote = { trace: { traceparent: `00-${traceId}-${parentId}-01`, tracestate: 'vendor=x' } };

function newProvider(sampler?: Sampler) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })], ...(sampler && { sampler }) });
  return { exporter, provider, tracer: provider.getTracer('test') };
}

beforeEach(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
});
afterEach(() => {
  context.disable();
  propagation.disable();
  trace.disable();
});

describe('the span of a call', () => {
  it.each([
    ['works', 'tool', 'tools/call works', { 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'works', 'gen_ai.operation.name': 'execute_tool' }],
    ['labours', 'tool', 'tools/call works', { 'gen_ai.tool.name': 'works' }],
    ['a://b', 'resource', 'resources/read', { 'mcp.method.name': 'resources/read', 'mcp.resource.uri': 'a://b' }],
    ['greet', 'prompt', 'prompts/get greet', { 'mcp.method.name': 'prompts/get', 'gen_ai.prompt.name': 'greet' }],
  ])('of %s, a %s, is the server’s, by the conventions for MCP', async (name, kind, expected, attributes) => {
    const { exporter, tracer } = newProvider();
    await hubWith(tracing({ tracer })).call(name, {}, { kind, face: 'stdio', principal: { ...principal, address: '10.0.0.7' } });
    const [span, ...others] = exporter.getFinishedSpans();
    expect(others).toEqual([]);
    expect(span).toMatchObject({ name: expected, kind: SpanKind.SERVER, status: { code: SpanStatusCode.UNSET } });
    expect(span!.attributes).toMatchObject({
      ...attributes,
      'network.transport': 'pipe',
      'client.address': '10.0.0.7',
      'meshwork.face': 'stdio',
      'meshwork.principal.id': 'tester',
      'meshwork.outcome': 'ok',
    });
    expect(span!.attributes).not.toHaveProperty('error.type');
  });

  it('is a child of the caller’s', async () => {
    const { exporter, tracer } = newProvider();
    await hubWith(tracing({ tracer })).call('works', {}, remote);
    const [span] = exporter.getFinishedSpans();
    expect(span!.spanContext().traceId).toBe(traceId);
    expect(span!.parentSpanContext).toMatchObject({ spanId: parentId, isRemote: true });
    expect(span!.spanContext().traceState?.get('vendor')).toBe('x');
  });

  it.each(['', 'nonsense', `00-${'0'.repeat(32)}-${parentId}-01`, `00-${traceId}-${parentId}-01\n`.repeat(3)])(
    'begins a trace when the caller’s is %j',
    async (traceparent) => {
      const { exporter, tracer } = newProvider();
      await hubWith(tracing({ tracer })).call('works', {}, { trace: { traceparent } });
      const [span] = exporter.getFinishedSpans();
      expect(span!.parentSpanContext).toBeUndefined();
    },
  );

  it('links what surrounds it when the caller names another parent, and is its child when not', async () => {
    const { exporter, tracer } = newProvider();
    const { call } = hubWith(tracing({ tracer }));
    await tracer.startActiveSpan('POST /mcp', async (http) => {
      await call('works', {}, remote);
      await call('works');
      http.end();
    });
    const [named, plain, http] = exporter.getFinishedSpans();
    expect(named!.parentSpanContext?.spanId).toBe(parentId);
    expect(named!.links.map((link) => link.context.spanId)).toEqual([http!.spanContext().spanId]);
    expect(plain!.parentSpanContext?.spanId).toBe(http!.spanContext().spanId);
    expect(plain!.links).toEqual([]);
  });

  it('continues only the traces it is told to, and links the others', async () => {
    const { exporter, tracer } = newProvider();
    const { call } = hubWith(tracing({ tracer, continueTraceOf: (each) => each.principal.zone !== 'external' }));
    await call('works', {}, { ...remote, principal: { ...principal, zone: 'external' } });
    const [span] = exporter.getFinishedSpans();
    expect(span!.spanContext().traceId).not.toBe(traceId);
    expect(span!.links.map((link) => link.context.spanId)).toEqual([parentId]);
  });

  it('is active while the tool runs, so that the tool’s own spans are its children', async () => {
    const { exporter, tracer } = newProvider();
    const reads = defineTool({
      name: 'reads',
      description: 'r',
      category: 'test',
      effect: 'read',
      input: z.object({}),
      run: async () => {
        await Promise.resolve();
        await tracer.startActiveSpan('SELECT', async (span) => span.end());
        return toolAnswer([]);
      },
    });
    const hub = createHub({ modules: [tracing({ tracer }), { name: 'm', tools: [reads] }] });
    await Promise.all([hub.call({ name: 'reads', principal, face: 'local', ...remote }), hub.call({ name: 'reads', principal, face: 'local' })]);
    const spans = exporter.getFinishedSpans();
    const outer = spans.filter(({ name }) => name === 'tools/call reads').map((span) => span.spanContext().spanId);
    const inner = spans.filter(({ name }) => name === 'SELECT').map((span) => span.parentSpanContext?.spanId);
    expect(outer).toHaveLength(2);
    expect(inner.sort()).toEqual(outer.sort());
  });
});

describe('the span of a call that fails', () => {
  it.each([
    ['breaks', {}, {}, 'tool_error', 'INTERNAL', 'failed'],
    ['denies', {}, {}, 'tool_error', 'DENIED', 'denied'],
    ['works', { n: 'x' }, {}, 'tool_error', 'INVALID_INPUT', 'invalid'],
    ['a://broken/1', {}, { kind: 'resource' }, 'INTERNAL', 'INTERNAL', 'failed'],
    ['a://none', {}, { kind: 'resource' }, 'NOT_FOUND', 'NOT_FOUND', 'unknown-name'],
  ])('%s %o says so', async (name, args, more, type, code, outcome) => {
    const { exporter, tracer } = newProvider();
    await hubWith(tracing({ tracer })).call(name, args, more);
    const [span] = exporter.getFinishedSpans();
    expect(span!.status).toEqual({ code: SpanStatusCode.ERROR, message: code });
    expect(span!.attributes).toMatchObject({ 'error.type': type, 'meshwork.error.code': code, 'meshwork.outcome': outcome });
  });

  it('records what was thrown by its code, without message and stack', async () => {
    const { exporter, tracer } = newProvider();
    await hubWith(tracing({ tracer })).call('a://broken/1', {}, { kind: 'resource' });
    const [span] = exporter.getFinishedSpans();
    const events = span!.events;
    expect(events).toMatchObject([{ name: 'exception', attributes: { 'exception.type': 'INTERNAL' } }]);
    expect(JSON.stringify(events)).not.toMatch(/stack|cannot read/);
  });

  it('holds no argument and no secret', async () => {
    const { exporter, tracer } = newProvider();
    const { call } = hubWith(tracing({ tracer }));
    await call('breaks', { say: `the argument ${secrets.key}` });
    await call(`no-such-tool-${secrets.token}`, { say: 'the argument' });
    await call(`a://broken/${secrets.token}`, {}, { kind: 'resource' });
    const text = exporter
      .getFinishedSpans()
      .map(({ name, attributes, events, status }) => JSON.stringify({ name, attributes, events, status }))
      .join();
    expect(text).toContain('no-such-tool-[secret]');
    expect(text).not.toMatch(/the argument|A{5}|B{5}/);
  });

  it('has no name that a caller made up', async () => {
    const { exporter, tracer } = newProvider();
    await hubWith(tracing({ tracer })).call('made-up'.repeat(100));
    const [span] = exporter.getFinishedSpans();
    expect(span!.name).toBe('tools/call');
    expect(String(span!.attributes['gen_ai.tool.name']).length).toBeLessThan(300);
  });
});

describe('whether calls are traced', () => {
  it('is for the application to say, also after the hub was made', async () => {
    const { call } = hubWith(tracing());
    expect(await call('works')).toMatchObject({ kind: 'tool' });
    const { exporter, provider } = newProvider();
    trace.setGlobalTracerProvider(provider);
    await call('works');
    expect(exporter.getFinishedSpans().map(({ name, instrumentationScope }) => [name, instrumentationScope.name])).toEqual([
      ['tools/call works', '@meshwork/telemetry'],
    ]);
  });

  it('is decided by the caller’s sampling where the sampler follows it, for the tool’s own spans too', async () => {
    const { exporter, tracer } = newProvider(new ParentBasedSampler({ root: new AlwaysOffSampler() }));
    const inner: Module = {
      name: 'inner',
      stages: { reserve: (_step, next) => tracer.startActiveSpan('inner', (span) => next().finally(() => span.end())) },
    };
    const { call } = hubWith(tracing({ tracer }), inner);
    await call('works', {}, { trace: { traceparent: `00-${traceId}-${parentId}-00` } });
    await call('breaks');
    expect(exporter.getFinishedSpans()).toEqual([]);
    await call('works', {}, remote);
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['inner', 'tools/call works']);
  });

  it('adds no promise and no context of its own while no provider is registered', () => {
    const { stages } = tracing();
    const answer = Promise.resolve(toolAnswer([]));
    expect(stages?.publish?.({ call: {} as never, target: undefined }, () => answer)).toBe(answer);
  });
});
