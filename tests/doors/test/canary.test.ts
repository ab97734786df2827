import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logHub, tracing } from '@meshwork/telemetry';
import { createLogger } from '@meshwork/telemetry/logger';
import { createFetchHandler } from '@meshwork/transports';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { startHub } from 'meshwork';
import { describe, expect, it } from 'vitest';
import { mcpRequest } from '../src/faces.ts';
import { places } from '../src/places.ts';

/** Secrets as Meshwork makes them: the part behind the last underscore is what must be seen nowhere. */
const secretPart = (secret: string) => secret.slice(-43);
const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');

describe('T28: a secret', () => {
  it('is in no log line, record, metric, span, error or file, wherever it was put', async () => {
    const path = await mkdtemp(join(tmpdir(), 'meshwork-canary-'));
    const spans = new InMemorySpanExporter();
    const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }).getTracer('canary');
    const lines: string[] = [];
    const told: string[] = [];
    const seedKey = `seed-${random()}`;
    const running = await startHub({
      folder: { path, database: join(path, 'hub.db'), adminKeyFile: join(path, 'admin.key') },
      guardian: { givenKeys: [{ key: seedKey, agent: 'sartor' }] },
      modules: [tracing({ tracer })],
      onError: (error) => told.push(String(error)),
    });
    const { hub, guardian, audit, metrics } = running;
    const loggers = (['seed', 'json'] as const).map((format) => createLogger({ level: 'DEBUG', format, destination: { write: (line) => lines.push(line) } }));
    const logs = loggers.map((logger) => logHub(hub, logger));
    const handler = createFetchHandler(hub, {
      authenticator: guardian.authenticator,
      meter: metrics,
      ...(logs[0] && { log: logs[0] }),
      onError: (error) => told.push(String(error)),
    });
    const send = async (url: string, init: RequestInit, key?: string) => {
      const headers = new Headers(init.headers);
      headers.set('host', '127.0.0.1');
      if (key !== undefined) headers.set('authorization', `Bearer ${key}`);
      const response = await handler(new Request(`http://127.0.0.1${url}`, { ...init, headers }), places.local);
      return { status: response.status, text: `${[...response.headers].join('\n')}\n${await response.text()}` };
    };
    const post = (body: unknown, headers = {}): RequestInit => ({
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

    // Good secrets, in use.
    const alice = (await guardian.agents.add({ name: 'alice' })).key;
    const asked = await send(
      '/mcp/tools/request_permission',
      post({ agent_id: 'alice', resource_type: 'SAP_API', justification: `my key is ${alice}` }),
      alice,
    );
    const token = /gt_[A-Za-z0-9_-]{43}/.exec(asked.text)?.[0] ?? '';
    expect(token).not.toBe('');
    await send('/mcp/tools/validate_token', post({ token, agent_id: 'alice', resource_type: 'SAP_API' }), alice);
    await send('/mcp/tools/operation_list', post({}), seedKey);
    const rotated = await guardian.agents.rotate('alice');
    const key = rotated.key;

    // Secrets of every kind in every place where they do not belong; answers to them must not say them again.
    const wrong = `mk_${'0'.repeat(16)}_${random()}`;
    const bare = random();
    const planted = { agentKey: key, oldKey: alice, token, wrong, bare, seedKey };
    const answers: string[] = [];
    const note = async (answer: Promise<{ text: string }>) => answers.push((await answer).text);
    for (const secret of [wrong, bare, alice]) {
      await note(send('/mcp', mcpRequest('tools/list'), secret));
      await note(send('/mcp/tools', { method: 'GET' }, secret));
      await note(send('/mcp/tools', { method: 'GET', headers: { 'x-api-key': secret } }));
      await note(send(`/mcp/tools?key=${secret}&access_token=${secret}`, { method: 'GET' }));
      await note(send(`/${secret}`, { method: 'GET' }));
      await note(send('/mcp', { method: 'GET', headers: { cookie: `key=${secret}`, authorization: `Basic ${secret}` } }));
    }
    for (const secret of [key, alice, token, wrong]) {
      await send(`/mcp/tools/${secret}`, post({}), key);
      await send(`/mcp/resources/${encodeURIComponent(`secret://${secret}`)}`, { method: 'GET' }, key);
      await send('/mcp', mcpRequest('tools/call', { name: secret, arguments: {} }), key);
      await send('/mcp', mcpRequest('prompts/get', { name: `x${secret}x` }), key);
      await send('/mcp/tools/request_permission', post({ agent_id: 'alice', resource_type: 'SAP_API', justification: `please, ${secret}, it is mine` }), key);
    }
    for (const secret of [key, token, wrong, bare, seedKey]) {
      for (const name of ['password', 'secret', 'api_key', 'token', 'authorization', 'access_token'])
        await send('/mcp/tools/operation_list', post({ [name]: secret, status: secret }), key);
      await send('/mcp/tools/validate_token', post({ token: secret, agent_id: 'alice', resource_type: 'SAP_API' }), key);
      await send('/mcp/tools/revoke_token', post({ token: secret }, { 'idempotency-key': secret, 'user-agent': secret, 'x-request-id': secret }), key);
    }

    const admin = (await readFile(join(path, 'admin.key'), 'utf8')).trim();
    const metricsText = await send('/mcp/metrics', { method: 'GET', headers: { accept: 'text/plain' } }, admin);
    expect(metricsText.status).toBe(200);
    const exported: string[] = [];
    for (const format of ['ndjson', 'csv'] as const) for await (const line of audit.export({ format })) exported.push(line);
    const trail = await send(`/mcp/resources/${encodeURIComponent('grants://audit')}`, { method: 'GET' }, admin);
    const active = await send(`/mcp/resources/${encodeURIComponent('grants://active')}`, { method: 'GET' }, admin);
    const spoken = spans.getFinishedSpans().map(({ name, attributes, events, status, links }) => JSON.stringify({ name, attributes, events, status, links }));
    for (const log of logs) log[Symbol.dispose]();
    await handler.close();
    await running.close();
    const files = await Promise.all(
      (await readdir(path)).filter((name) => name !== 'admin.key').map(async (name) => [name, await readFile(join(path, name), 'latin1')] as const),
    );

    const outputs: Readonly<Record<string, string>> = {
      log: lines.join(''),
      told: told.join('\n'),
      export: exported.join(''),
      metrics: metricsText.text,
      trail: trail.text + active.text,
      spans: spoken.join('\n'),
      refusals: answers.join('\n'),
      ...Object.fromEntries(files),
    };
    expect(outputs.log).toContain('request_permission');
    expect(outputs.spans).toContain('request_permission');
    expect(outputs.export).toContain('request_permission');
    expect(files.some(([, content]) => content.includes('request_permission'))).toBe(true);
    const found = Object.entries({ ...planted, admin }).flatMap(([what, secret]) =>
      Object.entries(outputs).flatMap(([place, content]) => (content.includes(secretPart(secret)) ? [`${what} in ${place}`] : [])),
    );
    expect(found).toEqual([]);
    await rm(path, { recursive: true, force: true });
  });
});
