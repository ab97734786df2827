import { createHub, defineTool, toolAnswer } from '@meshwork/core';
import { createMetrics, type TrafficMeter } from '@meshwork/telemetry';
import { manualClock } from '@meshwork/testing';
import fc from 'fast-check';
import { register as globalRegistry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hubWith, principal } from './hub-for-tests.ts';

/** The samples of an exposition, by name with labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

describe('the snapshot', () => {
  it('starts at nothing, under exactly the agreed keys', () => {
    expect(createMetrics().snapshot()).toEqual({
      connections: { current: 0, peak: 0, total: 0 },
      messages: { sent: 0, received: 0, failed: 0 },
      tools: { executions: 0, failures: 0, avg_latency_ms: 0 },
    });
  });

  it('counts connections that are open, the most there were, and all there have been', () => {
    const metrics = createMetrics();
    const closeFirst = metrics.connectionOpened('mcp');
    const closeSecond = metrics.connectionOpened('ws');
    closeFirst();
    closeFirst();
    metrics.connectionOpened('sse');
    expect(metrics.snapshot().connections).toEqual({ current: 2, peak: 2, total: 3 });
    closeSecond();
    expect(metrics.snapshot().connections).toEqual({ current: 1, peak: 2, total: 3 });
  });

  it('counts messages by what became of them', () => {
    const { messageReceived, messageSent, messageFailed, snapshot } = createMetrics();
    messageReceived('mcp');
    messageReceived('stdio');
    messageSent('mcp');
    messageFailed('rest');
    expect(snapshot().messages).toEqual({ sent: 1, received: 2, failed: 1 });
  });

  it('counts tools that ran, and those of them that failed; refused calls did not run', async () => {
    const metrics = createMetrics();
    const { call } = hubWith(metrics);
    for (const name of ['works', 'breaks', 'asks', 'seeks', 'denies', 'nope']) await call(name);
    await call('works', { n: 'not a number' });
    await call('a://b', {}, { kind: 'resource' });
    const { tools } = metrics.snapshot();
    expect(tools).toMatchObject({ executions: 4, failures: 2 });
    expect(tools.avg_latency_ms).toBeGreaterThanOrEqual(0);
  });

  it('never shows fewer than no connections, nor a peak below the present, whatever opens and closes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 })), (steps) => {
        const metrics = createMetrics();
        const closers: (() => void)[] = [];
        const open = new Set<number>();
        let peak = 0;
        for (const step of steps) {
          if (step > 5 && closers.length > 0) {
            closers[step % closers.length]!();
            open.delete(step % closers.length);
          } else {
            open.add(closers.push(metrics.connectionOpened('ws')) - 1);
          }
          peak = Math.max(peak, open.size);
        }
        expect(metrics.snapshot().connections).toEqual({ current: open.size, peak, total: closers.length });
      }),
    );
  });

  it('is a meter that transports can take as a port of their own', () => {
    interface PortOfATransport {
      connectionOpened(face: 'mcp' | 'rest' | 'ws' | 'stdio' | 'local' | 'sse'): () => void;
      messageReceived(face: string): void;
      messageSent(face: string): void;
      messageFailed(face: string): void;
    }
    const port: PortOfATransport = createMetrics();
    const meter: TrafficMeter = port;
    expect(meter.connectionOpened('mcp')).toBeTypeOf('function');
  });
});

describe('the Prometheus exposition', () => {
  it('shows calls by kind, outcome and the tool’s own name', async () => {
    const metrics = createMetrics();
    const { call } = hubWith(metrics);
    for (const name of ['works', 'labours', 'works@^1.0.0', 'breaks', 'denies', 'asks']) await call(name);
    await call('works', { n: 'x' });
    await call('works', {}, { signal: AbortSignal.abort() });
    await call('a://b', {}, { kind: 'resource' });
    await call('greet', {}, { kind: 'prompt' });
    const samples = samplesOf(await metrics.prometheus());
    const calls = [...samples].filter(([name]) => name.startsWith('meshwork_calls_total')).sort();
    expect(Object.fromEntries(calls)).toEqual({
      'meshwork_calls_total{kind="prompt",outcome="ok"}': 1,
      'meshwork_calls_total{kind="resource",outcome="ok"}': 1,
      'meshwork_calls_total{kind="tool",tool="asks",outcome="input-required"}': 1,
      'meshwork_calls_total{kind="tool",tool="breaks",outcome="failed"}': 1,
      'meshwork_calls_total{kind="tool",tool="denies",outcome="denied"}': 1,
      'meshwork_calls_total{kind="tool",tool="works",outcome="cancelled"}': 1,
      'meshwork_calls_total{kind="tool",tool="works",outcome="invalid"}': 1,
      'meshwork_calls_total{kind="tool",tool="works",outcome="ok"}': 3,
    });
  });

  it('makes no series of names that callers make up', async () => {
    const metrics = createMetrics();
    const { call } = hubWith(metrics);
    for (let n = 0; n < 50; n++) {
      await call(`made-up-${n}`);
      await call(`a://made-up/${n}`, {}, { kind: 'resource' });
    }
    const text = await metrics.prometheus();
    expect(text).not.toContain('made-up');
    expect(samplesOf(text).get('meshwork_calls_total{kind="tool",outcome="unknown-name"}')).toBe(50);
    expect(samplesOf(text).get('meshwork_calls_total{kind="resource",outcome="unknown-name"}')).toBe(50);
  });

  it('bounds the names of a catalogue that keeps changing', async () => {
    const metrics = createMetrics({ maxTools: 2 });
    const hub = createHub({ modules: [metrics] });
    for (let n = 0; n < 5; n++) {
      const remove = hub.register({
        tools: [defineTool({ name: `t${n}`, description: 't', category: 'test', effect: 'read', input: z.object({}), run: () => toolAnswer([]) })],
      });
      await hub.call({ name: `t${n}`, principal, face: 'local' });
      remove();
    }
    const samples = samplesOf(await metrics.prometheus());
    expect(samples.get('meshwork_calls_total{kind="tool",tool="t1",outcome="ok"}')).toBe(1);
    expect(samples.get('meshwork_calls_total{kind="tool",outcome="ok"}')).toBe(3);
    expect(metrics.snapshot().tools.executions).toBe(5);
  });

  it('shows durations as a histogram whose buckets add up', async () => {
    const metrics = createMetrics();
    const { call } = hubWith(metrics);
    for (let n = 0; n < 20; n++) await call('works');
    const text = await metrics.prometheus();
    const samples = samplesOf(text);
    const buckets = [...samples]
      .filter(([name]) => name.startsWith('meshwork_call_duration_seconds_bucket{kind="tool",tool="works"'))
      .map(([, value]) => value);
    expect(text).toContain('# TYPE meshwork_call_duration_seconds histogram');
    expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
    expect(buckets.at(-1)).toBe(20);
    expect(samples.get('meshwork_call_duration_seconds_bucket{kind="tool",tool="works",le="+Inf"}')).toBe(20);
    expect(samples.get('meshwork_call_duration_seconds_count{kind="tool",tool="works"}')).toBe(20);
    expect(samples.get('meshwork_call_duration_seconds_sum{kind="tool",tool="works"}')).toBeGreaterThan(0);
  });

  it('shows traffic by face, anew at every scrape', async () => {
    const metrics = createMetrics();
    const close = metrics.connectionOpened('ws');
    metrics.messageReceived('ws');
    metrics.messageSent('mcp');
    metrics.messageFailed('ws');
    await metrics.prometheus();
    metrics.connectionOpened('ws');
    close();
    const samples = samplesOf(await metrics.prometheus());
    expect(samples.get('meshwork_connections{face="ws"}')).toBe(1);
    expect(samples.get('meshwork_connections_total{face="ws"}')).toBe(2);
    expect(samples.get('meshwork_messages_total{direction="received",face="ws"}')).toBe(1);
    expect(samples.get('meshwork_messages_total{direction="sent",face="mcp"}')).toBe(1);
    expect(samples.get('meshwork_messages_failed_total{face="ws"}')).toBe(1);
  });

  it('adds the process when asked to, and leaves the global registry alone', async () => {
    const withProcess = createMetrics({ processMetrics: true });
    expect(await withProcess.prometheus()).toContain('process_resident_memory_bytes');
    expect(await createMetrics().prometheus()).not.toContain('process_');
    expect(globalRegistry.getMetricsAsArray()).toEqual([]);
    expect(withProcess.prometheusContentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('keeps two hubs of one process apart', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    await hubWith(one).call('works');
    expect(await one.prometheus()).toContain('tool="works"');
    expect(await other.prometheus()).not.toContain('tool="works"');
    expect(manualClock().now()).toBe(createMetrics({ clock: manualClock() }).startedAt);
  });
});
