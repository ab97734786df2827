import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { serveStdio } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { alice, modernRequest, testHub } from './world.ts';

/** Writes lines to a hub on a pair of streams and returns its answers, one each. */
async function converse(lines: readonly (string | Buffer)[], answers: number, maxMessageBytes = 10_000): Promise<Record<string, never>[]> {
  await using hub = testHub();
  const [input, output] = [new PassThrough(), new PassThrough()];
  const server = await serveStdio(hub, { principal: alice, input, output, maxMessageBytes });
  const reader = createInterface({ input: output })[Symbol.asyncIterator]();
  for (const line of lines) input.write(line);
  const received: Record<string, never>[] = [];
  while (received.length < answers) received.push(JSON.parse(String((await reader.next()).value)));
  input.end();
  await server.closed;
  return received;
}

const call = `${JSON.stringify(modernRequest('tools/call', { name: 'echo', arguments: { text: 'hi' } }).message)}\n`;
const works = { id: 1, result: { structuredContent: { text: 'hi' } } };

describe('a hub on a pair of streams', () => {
  it.each([
    ['text that is no JSON', 'hello\n'],
    ['a duplicate key', call.replace('"id":1', '"id":1,"id":2')],
    ['200 levels of nesting', `${'['.repeat(200)}${']'.repeat(200)}\n`],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0x0a])],
    ['a message over the cap', `${'x'.repeat(20_000)}\n`],
  ])('answers %s with an error, and goes on', async (_what, garbage) => {
    const [refusal, answer] = await converse([garbage, '\n', '\r\n', call], 2);
    expect(refusal).toMatchObject({ id: null, error: { code: -32700, message: expect.any(String) } });
    expect(answer).toMatchObject(works);
  });

  it.each([['null'], ['[]'], ['"text"'], ['{"jsonrpc":"2.0","id":1}']])('answers %s, which is no message, with an error, and goes on', async (text) => {
    const [refusal, answer] = await converse([`${text}\n`, call], 2);
    expect(refusal).toMatchObject({ id: null, error: { code: -32600 } });
    expect(answer).toMatchObject(works);
  });

  it.each([
    ['a reader that takes nothing, in time', { stallMs: 50 }],
    ['a reader too far behind, at once', { maxQueuedBytes: 100_000 }],
  ])('cuts off %s', async (_what, limits) => {
    await using hub = testHub();
    const [input, output] = [new PassThrough(), new PassThrough()];
    const errors: unknown[] = [];
    const server = await serveStdio(hub, { principal: alice, input, output, onError: (error) => errors.push(error), ...limits });
    const uri = `board://${'u'.repeat(2_000)}`;
    input.write(`${JSON.stringify(modernRequest('subscriptions/listen', { notifications: { resourceSubscriptions: [uri] } }).message)}\n`);
    await expect.poll(() => output.readableLength).toBeGreaterThan(0);
    for (let told = 0; told < 200; told++) hub.resourceUpdated(uri);
    await server.closed;
    expect(String(errors[0])).toMatch(/cut off/);
    expect(output.destroyed).toBe(true);
  });

  it('reads a message that arrives in pieces, and two that arrive at once', async () => {
    const bytes = Buffer.from(call.replace('hi', 'h€i'));
    const answers = await converse([...[...bytes].map((byte) => Buffer.from([byte])), call.replace('"id":1', '"id":2') + call.replace('"id":1', '"id":3')], 3);
    expect(answers.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
    expect(answers.find(({ id }) => id === 1)).toMatchObject({ result: { structuredContent: { text: 'h€i' } } });
  });
});
