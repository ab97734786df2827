import { createFetchHandler, type FetchHandler } from '@meshwork/transports/fetch';
import { describe, expect, it } from 'vitest';
import { authenticator, modernRequest, testHub } from './world.ts';

const key = (fill: number) => new Uint8Array(32).fill(fill);

/** An instance of the same hub, as another process or Worker would have it. */
const instance = (stateKey?: Uint8Array) => createFetchHandler(testHub(), { authenticator, ...(stateKey && { stateKey }) });

/** Calls `greet`, which asks for a name first. */
async function greet(handler: FetchHandler, params: Record<string, unknown> = {}) {
  const capabilities = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
  const { headers, message } = modernRequest('tools/call', { name: 'greet', arguments: {}, ...params }, capabilities);
  const request = new Request('http://localhost/mcp', { method: 'POST', headers: { ...headers, host: 'localhost' }, body: JSON.stringify(message) });
  const text = await (await handler(request)).text();
  return JSON.parse(text.startsWith('{') ? text : (/^data: (\{.*\})$/m.exec(text)?.[1] ?? ''));
}

describe('a question asked by one instance', () => {
  it.each([
    ['is answered at another with the same key', key(1), key(1), { result: { content: [{ text: 'hello Ada, {"asked":true}' }] } }],
    ['is not answered at one with another key', key(1), key(2), { error: { code: -32602 } }],
    ['is not answered at another when there is no key', undefined, undefined, { error: { code: -32602 } }],
  ])('%s', async (_what, first, second, expected) => {
    const [asking, answering] = [instance(first), instance(second)];
    const { requestState } = (await greet(asking)).result;
    expect(requestState).toEqual(expect.any(String));
    const inputResponses = { name: { action: 'accept', content: { name: 'Ada' } } };
    expect(await greet(answering, { requestState, inputResponses })).toMatchObject(expected);
    await Promise.all([asking.close(), answering.close()]);
  });
});

it('refuses a key that is too short when it is given, not when the first question is asked', () => {
  expect(() => instance(new Uint8Array(16))).toThrow(RangeError);
});
