import { createHub, defineTool, toolAnswer } from '@meshwork/core';
import { createFetchHandler, type FetchHandler } from '@meshwork/transports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { alice, longTools, modernRequest, testHub } from './world.ts';

const any = fc.constantFrom(
  undefined,
  null,
  5,
  '',
  'x',
  [],
  {},
  { text: 'x' },
  { text: 5 },
  { region: 'x' },
  { who: 'Ada' },
  { who: 1 },
  { who: 'Ada', more: 'x' },
);
const meta = fc.constantFrom(
  {},
  {},
  {},
  { progressToken: 1 },
  { 'io.modelcontextprotocol/logLevel': 'info' },
  { 'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' } },
  { 'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1', title: 'C' } },
  { 'io.modelcontextprotocol/clientInfo': { name: 'c' } },
  { 'io.modelcontextprotocol/clientInfo': 5 },
  { other: 1 },
  { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  { 'io.modelcontextprotocol/protocolVersion': '2025-11-25' },
  { 'io.modelcontextprotocol/protocolVersion': undefined },
);
const capabilities = fc.constantFrom(
  {},
  {},
  { elicitation: {} },
  { elicitation: { form: {} }, sampling: {} },
  { roots: { listChanged: true } },
  { extensions: { 'com.example/x': {} } },
  { extensions: { 'io.modelcontextprotocol/tasks': {} } },
  { extensions: { 'io.modelcontextprotocol/tasks': {} }, elicitation: {} },
  { elicitation: 5 },
  [],
  null,
);
const header = fc.constantFrom<Record<string, string>>(
  {},
  {},
  {},
  {},
  { 'mcp-name': 'other' },
  { 'mcp-name': '' },
  { 'mcp-name': '=?base64?ZWNobw==?=' },
  { 'mcp-method': 'tools/list' },
  { 'mcp-method': 'TOOLS/CALL' },
  { 'mcp-protocol-version': '2025-11-25' },
  { 'mcp-protocol-version': '2099-01-01' },
  { accept: 'application/json' },
  { accept: '*/*' },
  { 'content-type': 'text/plain' },
  { 'content-type': 'application/json; charset=utf-8' },
  { 'mcp-param-region': 'x' },
  { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
);
const envelope = fc.constantFrom<Record<string, unknown>>(
  {},
  {},
  {},
  {},
  { jsonrpc: '1.0' },
  { jsonrpc: undefined },
  { extra: 1 },
  { method: 'tools/nope' },
  { method: 5 },
  { params: undefined },
  { params: [] },
  { result: {} },
);
const id = fc.oneof(fc.integer(), fc.string(), fc.constantFrom(null, 1.5, undefined, 2 ** 60, true, {}));
const cursor = fc.constantFrom<Record<string, unknown>>({}, {}, {}, { cursor: 'x' }, { cursor: 5 }, { more: 1 });
const named = fc.oneof(
  fc.record({
    method: fc.constant('tools/call'),
    params: fc.record({
      name: fc.constantFrom('echo', 'whoami', 'greet', 'steps', 'region', 'fails', 'throws', 'bad-answer', 'long', 'endless', 'nope', '', 5),
      arguments: any,
    }),
  }),
  fc.record({ method: fc.constant('prompts/get'), params: fc.record({ name: fc.constantFrom('hello', 'asks', 'nope', 5), arguments: any }) }),
  fc.record({
    method: fc.constant('resources/read'),
    params: fc.record({ uri: fc.constantFrom('board://x', 'board://x/y%20z', 'board://x/%2e%2e', 'board://bytes', 'board://throws', 'nope://x', 'x', '', 5) }),
  }),
  fc.record({
    method: fc.constantFrom('tasks/get', 'tasks/update', 'tasks/cancel', 'tasks/list'),
    params: fc.record({ taskId: fc.constantFrom('op_none', '', 5), inputResponses: fc.constantFrom({}, 5) }, { requiredKeys: [] }),
  }),
  fc.record({
    method: fc.constantFrom('tools/list', 'resources/list', 'resources/templates/list', 'prompts/list', 'server/discover', 'ping', 'completion/complete'),
    params: cursor,
  }),
);
const request = fc.record({ named, id, capabilities, meta, header, envelope });

function hubOfEveryKind() {
  const hub = testHub({ keepsOperations: true });
  const base = { description: 'x', category: 'test', effect: 'read', input: z.object({}) } as const;
  hub.register({
    tools: [
      ...longTools,
      defineTool({ ...base, name: 'fails', run: () => toolAnswer([{ type: 'text', text: 'no' }], { isError: true, _meta: { 'com.example/x': 1 } }) }),
      defineTool({
        ...base,
        name: 'throws',
        run: () => {
          throw new Error('broken');
        },
      }),
      defineTool({ ...base, name: 'bad-answer', output: z.object({ n: z.number() }), run: () => ({ n: 'x' }) as never }),
    ],
    resources: [
      { uri: 'board://bytes', name: 'bytes', mimeType: 'image/png', read: () => ({ blob: 'aGk=' }) },
      {
        uri: 'board://throws',
        name: 'throws',
        read: () => {
          throw new Error('broken');
        },
      },
    ],
    prompts: [
      {
        name: 'hello',
        title: 'Hello',
        arguments: [{ name: 'who', required: true }],
        render: ({ who }) => ({ description: 'x', messages: [{ role: 'user', content: { type: 'text', text: `hello ${who}` } }] }),
      },
      { name: 'asks', render: () => ({ kind: 'input-required', requests: { roots: { method: 'roots/list' } } }) },
    ],
  });
  return hub;
}

/** Differs from answer to answer. */
const passing = new Set(['requestState', 'taskId', 'createdAt', 'lastUpdatedAt']);

async function answer(handler: FetchHandler, headers: Record<string, string>, message: unknown) {
  const response = await handler(
    new Request('http://127.0.0.1/mcp', { method: 'POST', headers: { host: '127.0.0.1', ...headers }, body: JSON.stringify(message) }),
  );
  const text = await response.text();
  const type = response.headers.get('content-type');
  const data = type?.includes('event-stream') || text === '' ? text : JSON.parse(text, (key, value) => (passing.has(key) ? key : value));
  return { status: response.status, type, data };
}

describe('the quick way', () => {
  it('answers as the SDK does', { timeout: 120_000 }, async () => {
    await using hub = hubOfEveryKind();
    const [quick, slow] = [true, false].map((quickCalls) => createFetchHandler(hub, { authenticator: { everybody: alice }, quickCalls }));
    await fc.assert(
      fc.asyncProperty(request, async (sample) => {
        const made = modernRequest(sample.named.method, sample.named.params as never, {
          'io.modelcontextprotocol/clientCapabilities': sample.capabilities,
          ...sample.meta,
        });
        const message = { ...made.message, id: sample.id, ...sample.envelope };
        const headers = { ...made.headers, ...sample.header };
        expect(await answer(quick!, headers, message)).toEqual(await answer(slow!, headers, message));
      }),
      { numRuns: Number(process.env.MESHWORK_RUNS ?? 4_000) },
    );
    await Promise.all([quick?.close(), slow?.close()]);
  });

  it('is what a hub takes for every method it knows', async () => {
    const hub = createHub();
    await using _ = hub;
    const handler = createFetchHandler(hub, { authenticator: { everybody: alice } });
    const slow = createFetchHandler(hub, { authenticator: { everybody: alice }, quickCalls: false });
    for (const method of ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list', 'server/discover']) {
      const { headers, message } = modernRequest(method, {});
      // The SDK writes `result` first: the order of the members tells who answered.
      const texts = [];
      for (const each of [handler, slow])
        texts.push(
          await (
            await each(new Request('http://127.0.0.1/mcp', { method: 'POST', headers: { host: '127.0.0.1', ...headers }, body: JSON.stringify(message) }))
          ).text(),
        );
      expect(texts.map((text) => text.startsWith('{"jsonrpc"'))).toEqual([true, false]);
    }
  });
});
