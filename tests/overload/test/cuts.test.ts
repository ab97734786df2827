import { describe, it } from 'vitest';
import { halfOpen } from '../src/attacks/half-open.ts';
import { WATCHED } from '../src/attacks/readers.ts';
import { callers } from '../src/callers.ts';
import { requestText } from '../src/requests.ts';
import { startAttack } from '../src/start-attack.ts';
import { startHub } from '../src/start-hub.ts';
import { memoryOf } from '../src/withstand.ts';

const MB = 2 ** 20;

describe.concurrent('a hub cuts those who', () => {
  it('begin something and do not end it', async ({ expect }) => {
    const limits = { headersTimeoutMs: 600, requestTimeoutMs: 800, helloMs: 600, heartbeatMs: 400 };
    await using impatient = await startHub({ options: limits });
    const before = await impatient.usage();
    const attack = await startAttack(Object.keys(halfOpen), 20, impatient.places);
    await attack.underWay;
    await expect.poll(async () => (await impatient.usage()).handles, { timeout: 10_000 }).toBeLessThanOrEqual(before.handles);
    await attack.stop();
  });

  it('take nothing of a large answer', async ({ expect }) => {
    await using strict = await startHub({ options: { stallMs: 400 } });
    const before = await strict.usage();
    const attack = await startAttack(['a large answer over MCP that is left', 'the OpenAPI document that is left'], 10, strict.places);
    await attack.underWay;
    await expect.poll(async () => (await strict.usage()).handles, { timeout: 10_000 }).toBeLessThanOrEqual(before.handles);
    await attack.stop();
  });

  it('take little of large answers, when too much waits', async ({ expect }) => {
    await using strict = await startHub({ options: { maxWaitingBytes: 60_000_000 } });
    const before = await strict.usage();
    const attack = await startAttack(['a large answer over MCP that is sipped'], 20, strict.places);
    await attack.underWay;
    await expect.poll(async () => (await strict.usage()).handles, { timeout: 10_000 }).toBeLessThanOrEqual(before.handles + 6);
    expect(memoryOf(await strict.usage()) - memoryOf(before)).toBeLessThan(180 * MB);
    await attack.stop();
  });

  it('stop just before the end of a body, when too much waits', async ({ expect }) => {
    await using strict = await startHub({ options: { maxWaitingBytes: 20_000_000 } });
    const before = await strict.usage();
    const attack = await startAttack(['stop just before the end of a body'], 100, strict.places);
    await attack.underWay;
    await expect.poll(async () => (await strict.usage()).handles, { timeout: 10_000 }).toBeLessThanOrEqual(before.handles + 21);
    expect(memoryOf(await strict.usage()) - memoryOf(before)).toBeLessThan(30 * MB);
    const caller = await callers.http(strict.places, 'bob-key');
    expect(await caller.call('echo', { text: 'served' })).toContain('served');
    caller.close();
    await attack.stop();
  });

  it('stop reading a pipe, and others are served', async ({ expect }) => {
    await using piped = await startHub({ stdio: true, options: { maxQueuedBytes: MB } });
    const { stdin, stdout } = piped.child;
    stdin?.write(`${requestText('subscriptions/listen', { notifications: { resourceSubscriptions: [WATCHED] } })}\n`);
    await new Promise((resolve) => stdout?.once('data', resolve));
    stdout?.pause();
    const caller = await callers.http(piped.places, 'bob-key');
    const before = await piped.usage();
    const { bytes } = await piped.mostDuring(() => piped.publish(30_000, WATCHED));
    expect(bytes - memoryOf(before)).toBeLessThan(100 * MB);
    expect(await caller.call('echo', { text: 'served' })).toContain('served');
    caller.close();
  });
});
