import { createMetrics, telemetryResources } from '@meshwork/telemetry';
import { manualClock } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { hubWith, principal } from './hub-for-tests.ts';

describe('health and metrics as resources', () => {
  it('tell what the functions do, on every face', async () => {
    const clock = manualClock();
    const metrics = createMetrics({ clock });
    const { hub, call } = hubWith(metrics, telemetryResources({ metrics, clock, version: '9.9.9' }));
    const read = async (uri: string) => {
      const result = await hub.call({ kind: 'resource', name: uri, principal, face: 'rest' });
      return result.kind === 'resource' ? result.contents : [];
    };
    await call('works');
    clock.advance(5_000);
    const [health] = await read('health://hub');
    expect(health).toMatchObject({ uri: 'health://hub', mimeType: 'application/json' });
    expect(JSON.parse((health as { text: string }).text)).toMatchObject({ status: 'healthy', version: '9.9.9', uptime: 5, tools: 5 });
    const [json, text] = (await read('metrics://hub')) as readonly { mimeType: string; text: string }[];
    expect(json).toMatchObject({ mimeType: 'application/json' });
    expect(JSON.parse(json!.text)).toMatchObject({ tools: { executions: 1 } });
    expect(text).toMatchObject({
      mimeType: metrics.prometheusContentType,
      text: expect.stringContaining('meshwork_calls_total{kind="tool",tool="works",outcome="ok"} 1'),
    });
  });

  it('leave the text format out where it cannot be made', async () => {
    const metrics = { ...createMetrics(), prometheus: () => Promise.reject(new Error('no prom-client here')) };
    const { hub } = hubWith(telemetryResources({ metrics }));
    const result = await hub.call({ kind: 'resource', name: 'metrics://hub', principal, face: 'rest' });
    expect(result).toMatchObject({ contents: [{ mimeType: 'application/json' }] });
    expect(result.kind === 'resource' && result.contents).toHaveLength(1);
  });

  it('are closing when the hub is', async () => {
    const closing = new AbortController();
    const metrics = createMetrics();
    const { hub } = hubWith(metrics, telemetryResources({ metrics, closing: closing.signal }));
    closing.abort();
    const result = await hub.call({ kind: 'resource', name: 'health://hub', principal, face: 'rest' });
    expect(result.kind === 'resource' && JSON.parse((result.contents[0] as { text: string }).text).status).toBe('closing');
  });
});
