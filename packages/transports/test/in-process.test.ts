import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError, createHub, defineTool, toolAnswer } from '@meshwork/core';
import { connectInProcess } from '@meshwork/transports';
import { Client } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { alice } from './world.ts';

const test = { category: 'test', effect: 'read', input: z.object({}) } as const;

function hubThatWaits() {
  const outcomes: unknown[] = [];
  const wait = defineTool({
    ...test,
    name: 'wait',
    description: 'Waits until it is cancelled.',
    run: async (_args, { signal, progress }) => {
      await progress({ progress: 1, message: 'begun' });
      await sleep(60_000, undefined, { signal });
      return toolAnswer([]);
    },
  });
  const hub = createHub({ modules: [{ name: 'test', tools: [wait], resources: [{ uri: 'board://x', name: 'x', read: () => ({ json: 1 }) }] }] });
  hub.events.on('call-finished', ({ call, result, error }) => outcomes.push(call.signal.reason ?? error ?? result));
  return { hub, outcomes };
}

describe.each(['auto', 'legacy'] as const)('a client in the process of the hub (%s)', (mode) => {
  const connected = async (transport: ReturnType<typeof connectInProcess>) => {
    const client = new Client({ name: 'c', version: '1.0.0' }, { versionNegotiation: { mode } });
    await client.connect(transport);
    return client;
  };

  it('hears of progress, and cancels what it no longer wants', async () => {
    const { hub, outcomes } = hubThatWaits();
    await using _ = hub;
    const client = await connected(connectInProcess(hub, alice));
    const stop = new AbortController();
    const steps: unknown[] = [];
    const onprogress = (step: unknown) => {
      steps.push(step);
      stop.abort();
    };
    await expect(client.callTool({ name: 'wait', arguments: {} }, { onprogress, signal: stop.signal })).rejects.toThrow();
    await expect.poll(() => outcomes).toMatchObject([expect.any(CancelledError)]);
    expect(steps).toMatchObject([{ progress: 1, message: 'begun' }]);
    await client.close();
  });

  it('has its calls cancelled when it goes', async () => {
    const { hub, outcomes } = hubThatWaits();
    await using _ = hub;
    const client = await connected(connectInProcess(hub, alice));
    const call = client.callTool({ name: 'wait', arguments: {} });
    await sleep(10);
    await client.close();
    await expect(call).rejects.toThrow();
    await expect.poll(() => outcomes).toMatchObject([expect.any(CancelledError)]);
  });

  it('hears of changes it asked for, until it no longer asks', async () => {
    const { hub } = hubThatWaits();
    await using _ = hub;
    const client = await connected(connectInProcess(hub, alice));
    const heard: string[] = [];
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri));
    const end =
      mode === 'auto'
        ? await client.listen({ resourceSubscriptions: ['board://x'] }).then((subscription) => () => subscription.close())
        : await client.subscribeResource({ uri: 'board://x' }).then(() => () => client.unsubscribeResource({ uri: 'board://x' }));
    hub.resourceUpdated('board://y');
    hub.resourceUpdated('board://x');
    await expect.poll(() => heard).toEqual(['board://x']);
    await end();
    await sleep(5);
    hub.resourceUpdated('board://x');
    await sleep(5);
    expect(heard).toEqual(['board://x']);
    await client.close();
  });

  it('may watch only so much', async () => {
    const { hub } = hubThatWaits();
    await using _ = hub;
    const client = await connected(connectInProcess(hub, alice, { maxSubscriptions: 2 }));
    const uris = ['board://1', 'board://2', 'board://3'];
    const watchAll = async () => {
      if (mode === 'auto') await client.listen({ resourceSubscriptions: uris });
      else for (const uri of uris) await client.subscribeResource({ uri });
    };
    await expect(watchAll()).rejects.toMatchObject({ code: -31429 });
    await client.close();
  });
});
