import { createMemoryStore } from '@meshwork/core';
import { checkEvent, createEvents, type NewEvent } from '@meshwork/events';
import { CloudEvent, HTTP } from 'cloudevents';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const whole = { specversion: '1.0', id: '1', source: 'urn:test', type: 'test.happened' };

describe('a CloudEvent', () => {
  it.each([
    ['the least there may be', {}],
    [
      'all attributes',
      {
        subject: 's',
        time: '2026-01-31T12:00:00.5+01:00',
        datacontenttype: 'application/json; charset=utf-8',
        dataschema: 'https://a.example/b',
        data: { a: [1] },
      },
    ],
    ['bytes', { datacontenttype: 'image/png', data_base64: 'AAEC' }],
    ['extensions', { owner: 'ana', visibility: 'public', traceparent: '00-1', count: -(2 ** 31), flag: true }],
    ['a relative source', { source: '/hub/1?x=%20#part' }],
    ['data that is null', { data: null }],
  ])('is taken with %s, as its own SDK takes it', (_what, more) => {
    expect(checkEvent({ ...whole, ...more })).toEqual({ ...whole, ...more });
    expect(new CloudEvent({ ...whole, ...more }, true).validate()).toBe(true);
  });

  it.each([
    ['without an id', { id: undefined }, 'id is missing'],
    ['with an empty type', { type: '' }, 'type must be a string that is not empty'],
    ['of another version', { specversion: '0.3' }, 'specversion must be "1.0"'],
    ['with a number for a subject', { subject: 1 }, 'subject must be a string'],
    ['with a source that is no URI', { source: 'a b' }, 'source must be a URI reference'],
    ['with a broken percent-encoding', { source: '/%zz' }, 'source must be a URI reference'],
    ['with a time that is none', { time: '2026-02-30T00:00:00Z' }, 'time must be'],
    ['with a time without a zone', { time: '2026-02-03T00:00:00' }, 'time must be'],
    ['with a relative schema', { dataschema: '/schema' }, 'dataschema must be'],
    ['with a media type that is none', { datacontenttype: 'json' }, 'datacontenttype must be'],
    ['with data twice', { data: 1, data_base64: 'AAEC' }, 'exclude each other'],
    ['with base64 that is none', { data_base64: 'A-_=' }, 'data_base64 must be base64'],
    ['with an extension in capitals', { ownerId: 'a' }, 'is no name for an extension'],
    ['with an extension that is an object', { owner: {} }, 'owner must be a string, a boolean or an integer'],
    ['with an extension beyond 32 bits', { count: 2 ** 31 }, 'count must be an integer of 32 bits'],
    ['with an extension that is null', { owner: null }, 'owner must be'],
    ['with a control character', { subject: 'a\u0007' }, 'subject holds a control character'],
    ['with half a surrogate', { id: '\ud800' }, 'id holds a control character'],
    ['with a key named __proto__ in its data', { data: JSON.parse('{"__proto__":1}') }, '__proto__'],
  ])('is refused %s', (_what, more, message) => {
    expect(() => checkEvent({ ...whole, ...more })).toThrow(message);
  });

  it.each([undefined, null, 'text', [whole]])('is no %j', (value) => {
    expect(() => checkEvent(value)).toThrow('an event is an object');
  });
});

describe('publishing', () => {
  it('completes an event so that the SDK of CloudEvents reads it, whatever its data', async () => {
    const events = createEvents({ journal: createMemoryStore(), store: createMemoryStore(), source: 'urn:meshwork:test' });
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), fc.stringMatching(/^[a-z.]{1,20}$/), async (data, type) => {
        const { event } = await events.publish({ type, data: JSON.parse(JSON.stringify(data).replaceAll('__proto__', 'proto')) });
        const read = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body: JSON.stringify(event) }) as CloudEvent<unknown>;
        expect(read.validate()).toBe(true);
        expect([read.type, read.source, read.id]).toEqual([event.type, 'urn:meshwork:test', event.id]);
      }),
    );
  });

  it('refuses what is no event, and keeps nothing of it', async () => {
    const journal = createMemoryStore();
    const events = createEvents({ journal, store: journal });
    await expect(events.publishAll([{ type: 'fine' }, { type: '' }])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(events.publish({ type: 'large', data: 'x'.repeat(70_000) })).rejects.toThrow('more than 65536 bytes');
    await expect(events.publish({ type: 'no-json', data: new Date() as never })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await journal.head('events/log')).toBe(0);
  });

  it('has the event in the journal before anybody hears of it', async () => {
    const journal = createMemoryStore();
    let isHeld = true;
    const held = Promise.withResolvers<void>();
    const slow = {
      ...journal,
      async append(...args: Parameters<typeof journal.append>) {
        if (isHeld) await held.promise;
        return journal.append(...args);
      },
    };
    const events = createEvents<{ 'a.b': { n: number } }>({ journal: slow, store: journal });
    const heard: number[] = [];
    events.on('a.b', ({ event }) => heard.push(event.data?.n ?? 0));
    const publishing = events.publish({ type: 'a.b', data: { n: 1 } });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toEqual([]);
    isHeld = false;
    held.resolve();
    expect((await publishing).offset).toBe(1);
    expect(heard).toEqual([1]);
  });

  it('tells nobody of what could not be kept', async () => {
    const store = createMemoryStore();
    const events = createEvents({ journal: { ...store, append: () => Promise.reject(new Error('no disk')) }, store });
    const heard: unknown[] = [];
    events.on('*', (published) => heard.push(published));
    await expect(events.publish({ type: 'a' })).rejects.toThrow('no disk');
    expect(heard).toEqual([]);
  });

  it('goes on when a listener throws, and says so', async () => {
    const errors: unknown[] = [];
    const store = createMemoryStore();
    const events = createEvents({ journal: store, store, onError: (error) => errors.push(error) });
    const heard: string[] = [];
    events.on('a', () => {
      throw new Error('mine');
    });
    const off = events.on('*', ({ event }) => heard.push(event.type));
    await events.publish({ type: 'a' });
    off();
    await events.publish({ type: 'b' });
    expect(heard).toEqual(['a']);
    expect(errors).toHaveLength(1);
  });

  it('puts on record what an emitter tells, as the mapping says, and waits for it when it closes', async () => {
    const { EventEmitter } = await import('eventemitter3');
    interface Told {
      'grant-issued': (event: { grantId: string; agent: string }) => void;
      secret: (event: { token: string }) => void;
    }
    const emitter = new EventEmitter<Told>();
    const store = createMemoryStore();
    const events = createEvents({ journal: store, store });
    const end = events.forward<Told>(emitter, {
      'grant-issued': ({ grantId, agent }): NewEvent => ({ type: 'guardian.grant.issued', subject: grantId, owner: agent, data: { grantId } }),
      secret: () => undefined,
    });
    emitter.emit('grant-issued', { grantId: 'g1', agent: 'ana' });
    emitter.emit('secret', { token: 't' });
    end();
    emitter.emit('grant-issued', { grantId: 'g2', agent: 'ana' });
    await events.close();
    const page = await events.query({ id: 'root', kind: 'user', roles: ['admin'], actsFor: [] });
    expect(page.events.map(({ event }) => [event.type, event.subject, event.owner])).toEqual([['guardian.grant.issued', 'g1', 'ana']]);
  });
});
