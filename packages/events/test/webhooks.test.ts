import { createMemoryStore } from '@meshwork/core';
import { createEvents, signWebhook, type WebhookOptions } from '@meshwork/events';
import { collect } from '@meshwork/testing';
import { CloudEvent } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { startReceiver } from './support/receiver.ts';
import { ana, root, until } from './support/world.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A hub's events with a receiver, and a webhook of the admin's that leads there. */
async function createWorld(options: Partial<WebhookOptions> = {}) {
  const receiver = await startReceiver();
  closers.push(receiver.close);
  const store = createMemoryStore();
  const open = (more: Partial<WebhookOptions> = {}, onError: (error: unknown) => void = () => {}) => {
    const events = createEvents({ journal: store, store, webhooks: { fetch, retryMs: [5, 5, 5], timeoutMs: 500, ...options, ...more }, onError });
    closers.push(() => events.close());
    return events;
  };
  const events = open();
  await events.start();
  const { secret = '' } = await events.subscriptions.save(root, { name: 'hook', webhookUrl: receiver.url });
  const publish = (n: number) => events.publish({ type: 'test.happened', data: { n } });
  const status = async () => (await events.subscriptions.get(root, 'hook')).subscription.webhook;
  return { ...receiver, store, events, open, secret, publish, status };
}

describe('the signature of a webhook', () => {
  it('is the one of the example in the specification’s own library', async () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const headers = await signWebhook({ id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timeMs: 1_614_265_330_000, body: '{"test": 2432232314}' }, [secret]);
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });
});

describe('a webhook', () => {
  it('sends a CloudEvent that the library of Standard Webhooks verifies', async () => {
    const { received, secret, publish } = await createWorld();
    await publish(1);
    await until(() => received.length === 1);
    const [{ headers, body }] = received as [(typeof received)[0]];
    const event = new Webhook(secret).verify(body, headers) as CloudEvent<unknown>;
    expect(new CloudEvent(event, true)).toMatchObject({ type: 'test.happened', data: { n: 1 } });
    expect(headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
    expect(headers['webhook-id']).toMatch(/^msg_sub_[\w-]+_1$/);
    expect(() => new Webhook(secret).verify(body.replace('1', '2'), headers)).toThrow();
    expect(() => new Webhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw').verify(body, headers)).toThrow();
  });

  it('tries again after a failure, a redirect and silence, under the same id', async () => {
    const { received, statuses, headers: answer, publish, events } = await createWorld();
    statuses.push(500, 302, 'silence');
    answer.location = '/elsewhere';
    await publish(1);
    await until(() => received.length === 4);
    expect(received.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'POST']);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    await until(async () => (await events.subscriptions.get(root, 'hook')).progress.pending.length === 0);
    expect((await events.subscriptions.get(root, 'hook')).progress).not.toHaveProperty('failingSince');
    expect((await events.deadLetters(root, 'hook')).events).toEqual([]);
  });

  it('gives an event up after the last attempt, and it can be sent again', async () => {
    const { received, statuses, publish, events } = await createWorld();
    statuses.push(500, 500, 500, 500);
    await publish(1);
    await until(async () => (await events.deadLetters(root, 'hook')).events.length === 1);
    expect(received).toHaveLength(4);
    expect(await events.subscriptions.replayDead(root, 'hook')).toEqual({ replayed: 1, left: 0 });
    await until(() => received.length === 5);
    await events.subscriptions.replay(root, 'hook', { fromOffset: 1 });
    await until(() => received.length === 6);
    expect(received.map(({ body }) => JSON.parse(body).data.n)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('waits as long as the receiver asks', async () => {
    const { received, statuses, headers, publish, events } = await createWorld();
    statuses.push(503);
    headers['retry-after'] = '3600';
    await publish(1);
    await until(() => received.length === 1);
    await until(async () => (await events.subscriptions.get(root, 'hook')).progress.pending[0]?.isOut === false);
    const { progress } = await events.subscriptions.get(root, 'hook');
    expect(progress.pending[0]!.dueAt - Date.now()).toBeGreaterThan(3_590_000);
    // Another event comes through: the receiver is well again, and nothing waits any longer.
    await publish(2);
    await until(() => received.length === 3);
  });

  it('signs with the old secret too while it is replaced', async () => {
    const { received, secret, publish, events, status } = await createWorld({ rotationMs: 60_000 });
    const fresh = await events.subscriptions.rotateSecret(root, 'hook');
    await until(async () => (await status())?.secrets.length === 2);
    await publish(1);
    await until(() => received.length === 1);
    const [{ headers, body }] = received as [(typeof received)[0]];
    for (const each of [secret, fresh]) expect(new Webhook(each).verify(body, headers)).toBeDefined();
    expect(headers['webhook-signature']?.split(' ')).toHaveLength(2);
  });

  it('no longer signs with the old secret after that', async () => {
    const { received, secret, publish, events } = await createWorld({ rotationMs: 1 });
    const fresh = await events.subscriptions.rotateSecret(root, 'hook');
    await new Promise((resolve) => setTimeout(resolve, 30));
    await publish(1);
    await until(() => received.length === 1);
    const [{ headers, body }] = received as [(typeof received)[0]];
    expect(() => new Webhook(secret).verify(body, headers)).toThrow();
    expect(new Webhook(fresh).verify(body, headers)).toBeDefined();
  });

  it('is disabled after failing for long, which is an event, and goes on where it was when it is resumed', async () => {
    const { received, statuses, publish, events, status } = await createWorld({ disableAfterMs: 15, retryMs: [10, 10, 10, 10, 10, 10] });
    statuses.push(500, 500, 500, 500, 500, 500);
    await publish(1);
    await until(async () => (await status())?.status === 'disabled');
    expect((await status())?.reason).toMatch(/^every attempt since .* has failed; the last one answered 500$/);
    const { events: told } = await events.query(root, { filter: { types: ['meshwork.webhook.disabled'] } });
    expect(told).toMatchObject([{ event: { subject: expect.stringMatching(/^sub_/), data: { subscription: 'hook' } } }]);
    // Not even an agent that is called as the webhook, or as its owner, hears where an admin has events sent.
    for (const id of ['hook', 'root']) expect((await events.query({ ...ana, id })).events).toEqual([]);
    const before = received.length;
    await publish(2);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(received).toHaveLength(before);
    statuses.length = 0;
    await events.subscriptions.resume(root, 'hook');
    await until(() => received.length === before + 3);
    expect(received.slice(before).map(({ body }) => JSON.parse(body).type)).toContain('meshwork.webhook.disabled');
    expect(await status()).not.toHaveProperty('reason');
  });

  it('is disabled at once by 410, Gone', async () => {
    const { received, statuses, publish, status } = await createWorld();
    statuses.push(410);
    await publish(1);
    await until(async () => (await status())?.status === 'disabled');
    expect((await status())?.reason).toBe('the receiver answered 410, Gone');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(received).toHaveLength(1);
  });

  it('goes on after a restart, and ends with its subscription', async () => {
    const { received, events, open, publish } = await createWorld();
    await events.close();
    await publish(1);
    const next = open();
    await next.start();
    await until(() => received.length === 1);
    await next.subscriptions.remove(root, 'hook');
    await next.publish({ type: 'late' });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(received).toHaveLength(1);
  });

  it('gives a request up when the hub closes, and sends it again afterwards', async () => {
    const { received, statuses, events, open, publish } = await createWorld({ timeoutMs: 20_000, retryMs: [60_000] });
    statuses.push('silence');
    await publish(1);
    await until(() => received.length === 1);
    const started = performance.now();
    await events.close();
    expect(performance.now() - started).toBeLessThan(2_000);
    const next = open();
    expect((await next.subscriptions.get(root, 'hook')).progress.pending).toMatchObject([{ deliveries: 0, isOut: false }]);
    await next.start();
    await until(() => received.length === 2);
  });

  it('that is silent holds up no other', async () => {
    const { received, events, publish } = await createWorld({
      timeoutMs: 20_000,
      fetch: (url, request) => (url.includes('.invalid') ? new Promise((_, reject) => request.signal.addEventListener('abort', reject)) : fetch(url, request)),
    });
    await events.subscriptions.save(root, { name: 'silent', webhookUrl: 'https://silent.invalid/' });
    for (let n = 0; n < 20; n++) await publish(n);
    await until(() => received.length === 20);
    await events.subscriptions.remove(root, 'silent');
  });

  it('is for admins, and leads to http or https without a password', async () => {
    const { events, url } = await createWorld();
    await expect(events.subscriptions.save(ana, { name: 'hook', webhookUrl: url })).rejects.toMatchObject({ code: 'DENIED' });
    for (const bad of ['ftp://a.example/', 'https://u:p@a.example/', 'nonsense', `https://a.example/${'x'.repeat(2_048)}`])
      await expect(events.subscriptions.save(root, { name: 'bad', webhookUrl: bad })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(events.subscriptions.take(root, 'hook', 1)).rejects.toThrow('sent to its webhook');
    const without = createEvents({ journal: createMemoryStore(), store: createMemoryStore() });
    await expect(without.subscriptions.save(root, { name: 'hook', webhookUrl: url })).rejects.toThrow('sends no webhooks');
  });
});

describe('the secret of a webhook', () => {
  const pepper = new TextEncoder().encode('a pepper of more than thirty-two bytes');
  const kept = async (store: ReturnType<typeof createMemoryStore>) => JSON.stringify(await collect(store.list('events/')));

  it('is not in the store where there is a pepper, and signs', async () => {
    const { received, store, secret, publish, events } = await createWorld({ pepper });
    expect(secret).toMatch(/^whsec_/);
    const fresh = await events.subscriptions.rotateSecret(root, 'hook');
    expect(await kept(store)).not.toContain('whsec_');
    await publish(1);
    await until(() => received.length === 1);
    const [{ headers, body }] = received as [(typeof received)[0]];
    for (const each of [secret, fresh]) expect(new Webhook(each).verify(body, headers)).toBeDefined();
  });

  it('that was kept in plain still signs, and is sealed by a hub with a pepper', async () => {
    const { received, store, secret, publish, events, open } = await createWorld();
    expect(await kept(store)).toContain(secret);
    await events.close();
    const next = open({ pepper });
    await next.start();
    await until(async () => !(await kept(store)).includes('whsec_'));
    await publish(1);
    await until(() => received.length === 1);
    const [{ headers, body }] = received as [(typeof received)[0]];
    expect(new Webhook(secret).verify(body, headers)).toBeDefined();
  });

  it('is worth nothing with another pepper, or moved to another webhook; nothing is sent unsigned, and a new one mends it', async () => {
    const { received, store, publish, events, open, url } = await createWorld({ pepper });
    await events.subscriptions.save(root, { name: 'other', webhookUrl: url, filter: { types: ['none'] } });
    await events.close();
    const errors: unknown[] = [];
    const wrong = open({ pepper: Uint8Array.from(pepper).reverse() }, (error) => void errors.push(error));
    await wrong.start();
    await publish(1);
    const failure = async () => (await wrong.subscriptions.get(root, 'hook')).progress.lastFailure;
    await until(async () => (await failure()) !== undefined);
    expect(await failure()).toMatch(/sealed with another pepper/);
    expect(errors[0]).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('another pepper') });
    await wrong.close();

    const [hook, other] = await collect(store.list('events/subscription/'));
    const moved = { ...(other!.value as object), webhook: (hook!.value as { webhook: object }).webhook };
    await store.put(other!.key, { ...moved, filter: {} } as never);
    await store.delete(hook!.key);
    const right = open({ pepper });
    await right.start();
    await publish(2);
    await until(async () => (await right.subscriptions.get(root, 'other')).progress.lastFailure !== undefined);
    expect(received).toEqual([]);
    const fresh = await right.subscriptions.rotateSecret(root, 'other');
    await until(async () => received.length > 0);
    const [{ headers, body }] = received as [(typeof received)[0]];
    expect(new Webhook(fresh).verify(body, headers)).toBeDefined();
  });

  it('needs a pepper that is long enough', () => {
    const store = createMemoryStore();
    expect(() => createEvents({ journal: store, store, webhooks: { fetch, pepper: new Uint8Array(31) } })).toThrow(TypeError);
  });
});
