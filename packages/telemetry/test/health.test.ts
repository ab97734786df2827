import { createMetrics, health } from '@meshwork/telemetry';
import { manualClock } from '@meshwork/testing';
import { describe, expect, it, vi } from 'vitest';
import { createUsageMeter } from '../src/process-usage.ts';
import { hubWith } from './hub-for-tests.ts';

describe('the health of a hub', () => {
  it('is told under exactly the agreed keys', () => {
    const clock = manualClock();
    const metrics = createMetrics({ clock });
    const { hub } = hubWith(metrics);
    metrics.connectionOpened('mcp');
    clock.advance(3_600_900);
    const report = health(hub, { metrics, clock });
    expect(report).toEqual({
      status: 'healthy',
      version: '1.2.3',
      uptime: 3_600,
      connections: 1,
      tools: 5,
      memory_mb: expect.any(Number),
      cpu_percent: expect.any(Number),
    });
    expect(report.memory_mb).toBeGreaterThan(1);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('says the version and the start it is given', () => {
    const clock = manualClock();
    const metrics = createMetrics({ clock });
    const { hub } = hubWith(metrics);
    expect(health(hub, { metrics, clock, version: '9', startedAt: clock.now() - 5_000 })).toMatchObject({ version: '9', uptime: 5 });
    expect(health(hub, { metrics, clock, startedAt: clock.now() + 5_000 }).uptime).toBe(0);
  });

  it('names what an operator should see to, while there is something', () => {
    const metrics = createMetrics();
    const { hub } = hubWith(metrics);
    const warnings: string[] = [];
    expect(health(hub, { metrics, warnings: () => warnings })).not.toHaveProperty('warnings');
    warnings.push('the clock was set back');
    expect(health(hub, { metrics, warnings: () => warnings })).toMatchObject({ status: 'healthy', warnings: ['the clock was set back'] });
  });

  it('is closing from when the application says so', () => {
    const metrics = createMetrics();
    const { hub } = hubWith(metrics);
    const closing = new AbortController();
    expect(health(hub, { metrics, closing: closing.signal }).status).toBe('healthy');
    closing.abort();
    expect(health(hub, { metrics, closing: closing.signal }).status).toBe('closing');
  });

  it('is closing once the hub has closed, though nobody says so', async () => {
    const metrics = createMetrics();
    const { hub } = hubWith(metrics);
    await hub.close();
    expect(health(hub, { metrics }).status).toBe('closing');
  });
});

describe('measuring the process', () => {
  it('shares the processor time of a window between its readers', () => {
    const clock = manualClock();
    const used = { user: 0, system: 0 };
    const usage = createUsageMeter({ clock, process: { memoryUsage: () => ({ rss: 157_286_400 }), cpuUsage: () => ({ ...used }) } });
    expect(usage()).toEqual({ memoryMb: 150, cpuPercent: 0 });
    used.user = 400_000;
    used.system = 120_000;
    clock.advance(10_000);
    expect(usage().cpuPercent).toBe(5.2);
    used.user = 900_000;
    clock.advance(10);
    expect(usage().cpuPercent).toBe(5.2);
    clock.advance(990);
    expect(usage().cpuPercent).toBe(50);
  });

  it('goes on when the clock is set back', () => {
    const clock = manualClock();
    const used = { user: 0, system: 0 };
    const usage = createUsageMeter({ clock, process: { cpuUsage: () => ({ ...used }) } });
    clock.advance(-60_000);
    usage();
    clock.advance(1_000);
    used.user = 100_000;
    expect(usage().cpuPercent).toBe(10);
  });

  it('tells zeros where the process tells nothing', () => {
    const clock = manualClock();
    const usage = createUsageMeter({ clock, process: {} });
    clock.advance(5_000);
    expect(usage()).toEqual({ memoryMb: 0, cpuPercent: 0 });
  });

  it('tells zeros on a runtime without a process', () => {
    vi.stubGlobal('process', undefined);
    const clock = manualClock();
    const { usage } = createMetrics({ clock });
    clock.advance(5_000);
    const told = usage();
    vi.unstubAllGlobals();
    expect(told).toEqual({ memoryMb: 0, cpuPercent: 0 });
  });
});
