import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { signWebhook } from '@meshwork/events';
import { openSqlite } from '@meshwork/store-sqlite';
import { expect, it } from 'vitest';
import { inFolder, meshwork, type RunningProgram, runHub } from './program.ts';

interface Received {
  readonly id: string;
  readonly time: string;
  readonly signature: string;
  readonly body: string;
}

/** A receiver on this machine, which fails so often at first. */
async function startReceiver(failures: number) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const header = (name: string) => String(request.headers[name]);
    received.push({ id: header('webhook-id'), time: header('webhook-timestamp'), signature: header('webhook-signature'), body });
    response.writeHead(received.length > failures ? 204 : 500).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, [Symbol.dispose]: () => void server.close() };
}

const PEPPER = 'a pepper of more than thirty-two characters';

it(
  'says whom webhooks may reach and when they try again; the pepper seals their secrets',
  () =>
    inFolder(async (folder) => {
      using receiver = await startReceiver(1);
      const config = join(folder, 'meshwork.yaml');
      await writeFile(config, 'events:\n  webhooks: { allowPrivateHosts: [127.0.0.0/8], timeout: 10s, retry: [1s, 1s, 1s], disableAfter: 1h }\n');
      const hub = await runHub(join(folder, 'data'), ['--config', config], { MESHWORK_KEY_PEPPER: PEPPER });
      const admin = adminOf(hub);
      const saved = await meshwork(
        ['call', 'event_subscribe', 'action=save', 'name=hook', `webhook_url=${receiver.url}`, 'filter:={"types":["meshwork.key.*"]}', '--json'],
        admin,
      );
      const secret = /whsec_[A-Za-z0-9+/=]+/.exec(saved.out)?.[0] ?? '';
      expect((await meshwork(['agent', 'add', 'ana', '--json'], admin)).code).toBe(0);
      await expect.poll(() => receiver.received.length).toBe(2);
      const [first, second] = receiver.received as [Received, Received];
      expect(second.id).toBe(first.id);
      const expected = await signWebhook({ id: second.id, timeMs: Number(second.time) * 1_000, body: second.body }, [secret]);
      expect(second.signature).toBe(expected['webhook-signature']);
      expect(await hub.stop()).toBe(0);

      const store = await openSqlite({ path: join(folder, 'data', 'hub.db') });
      let kept = '';
      for await (const { value } of store.list('events/subscription/')) kept += JSON.stringify(value);
      await store.close();
      expect(kept).toContain(receiver.url);
      expect(kept).not.toContain(secret);
      expect(kept).not.toContain('whsec_');
    }),
  60_000,
);

it(
  'keeps no more than it says, and has no webhooks where it says so',
  () =>
    inFolder(async (folder) => {
      const data = join(folder, 'data');
      const hub = await runHub(data);
      for (const agent of ['ana', 'bo', 'cy']) await meshwork(['agent', 'add', agent, '--json'], adminOf(hub));
      // Its own start and stop and who comes and goes are events too.
      await expect.poll(async () => (await offsetsOf(hub)).length).toBeGreaterThan(3);
      const before = (await offsetsOf(hub)).length;
      await hub.stop();
      const config = join(folder, 'meshwork.yaml');
      await writeFile(config, 'events:\n  retention: { maxEvents: 2 }\n  webhooks: false\n');
      const again = await runHub(data, ['--config', config]);
      await expect.poll(async () => (await offsetsOf(again))[0]).toBeGreaterThanOrEqual(before - 1);
      const refused = await meshwork(['call', 'event_subscribe', 'action=save', 'name=hook', 'webhook_url=https://example.org/', '--json'], adminOf(again));
      expect(refused.code).not.toBe(0);
      expect(refused.out).toContain('sends no webhooks');
      await again.stop();
    }),
  60_000,
);

it.each([
  ['a host that is none', 'allowPrivateHosts: ["not a host"]', 'events.webhooks.allowPrivateHosts in the configuration: "not a host" is not a host name'],
  ['a time to answer that is too long', 'timeout: 1h', 'events.webhooks.timeout in the configuration is 1h; it may be 5m at most'],
  ['a wait without a unit', 'retry: [5]', 'events.webhooks'],
])('is refused for %s', (_what, webhooks, message) =>
  inFolder(async (folder) => {
    const config = join(folder, 'meshwork.yaml');
    await writeFile(config, `events:\n  webhooks: { ${webhooks} }\n`);
    const { code, out, err } = await meshwork(['up', '--port', '0', '--data', join(folder, 'data'), '--config', config]);
    expect(code).toBe(2);
    expect(out + err).toContain(message);
  }),
);

function adminOf(hub: RunningProgram) {
  return { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
}

async function offsetsOf(hub: RunningProgram): Promise<number[]> {
  const { out } = await meshwork(['call', 'event_query', 'order=oldest', '--json'], adminOf(hub));
  return [...out.matchAll(/"offset":\s*(\d+)/g)].map(([, offset]) => Number(offset));
}
