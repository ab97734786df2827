import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Io, runCli } from 'meshwork';
import { describe, expect, it } from 'vitest';
import { inFolder } from './program.ts';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `up` in this process, does `work` once it takes calls, and stops it. */
async function up(
  args: readonly string[],
  env: Record<string, string>,
  work: (url: string) => Promise<void> = async () => {},
  files: Record<string, string> = {},
) {
  return inFolder(async (folder): Promise<Run & { folder: string }> => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    let stop: () => void = () => {};
    const seen = { out: '', err: '' };
    let working: Promise<void> | undefined;
    const io: Io = {
      out(text) {
        seen.out += text;
        if (working !== undefined || !text.startsWith('{')) return;
        working = work((JSON.parse(text) as { url: string }).url).finally(() => stop());
        working.catch(() => {}); // It is awaited once the program has ended.
      },
      err: (text) => {
        seen.err += text;
      },
      env,
      cwd: folder,
      onStop(listener) {
        stop = listener;
        return () => {};
      },
    };
    const code = await runCli(['up', '--json', ...args], io);
    await working;
    const log = files['hub.yaml']?.includes('file:') ? await readFile(join(folder, 'logs/mcp_server.log'), 'utf8') : '';
    return { code, out: seen.out, err: seen.err + log, folder };
  });
}

const post = (url: string, headers: Record<string, string>) =>
  fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'agent_list',
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'agent_list',
        arguments: {},
        _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} },
      },
    }),
  });

describe('settings', () => {
  it('come from flags before the environment before the file', async () => {
    const files = { 'hub.yaml': 'port: 1\nhost: 127.0.0.9\n' };
    const run = async (args: string[], env: Record<string, string>) => {
      let host = '';
      const serve = async (url: string) => {
        host = new URL(url).hostname;
      };
      return { code: (await up(['--config', 'hub.yaml', ...args], env, serve, files)).code, host };
    };
    expect(await run(['--port', '0'], { MCP_PORT: '1' })).toEqual({ code: 0, host: '127.0.0.9' });
    expect(await run([], { MCP_PORT: '0', MCP_HOST: '127.0.0.8' })).toEqual({ code: 0, host: '127.0.0.8' });
    expect(await run(['--port', '0', '--host', '127.0.0.1'], { MCP_HOST: '127.0.0.8' })).toEqual({ code: 0, host: '127.0.0.1' });
  });

  it.each<[string, string[], Record<string, string>, RegExp]>([
    ['a profile that is none', ['--profile', 'edge'], {}, /there is no profile .*edge.*; there are guardian and gateway/],
    ['a profile called like a part of every object', ['--profile', 'toString'], {}, /there is no profile/],
    ['a port that is none', [], { MCP_PORT: 'http' }, /MCP_PORT must be a number/],
    ['a level that is none', ['--log-level', 'loud'], {}, /one of DEBUG, INFO, WARNING, ERROR, CRITICAL/],
    ['an unclear REQUIRE_AUTH', [], { REQUIRE_AUTH: 'maybe' }, /REQUIRE_AUTH must be true or false/],
    ['no keys on every address', ['--host', '0.0.0.0'], { REQUIRE_AUTH: 'false' }, /on this machine only.*--insecure/],
    ['a seed key that can be guessed', [], { SARTOR_API_KEY: 'secret' }, /at least 16 characters/],
  ])('refuse %s', async (_what, args, env, words) => {
    const { code, out, err } = await up(args, { MCP_PORT: '0', ...env });
    expect(code).toBe(2);
    expect(out + err).toMatch(words);
  });

  it('take a key from the environment, in the headers of the profile', async () => {
    const key = 'a-key-made-somewhere-else';
    await up(['--profile', 'gateway', '--port', '0'], { SARTOR_API_KEY: key }, async (url) => {
      expect((await post(url, {})).status).toBe(401);
      expect((await post(url, { 'x-sartor-auth': `${key}x` })).status).toBe(401);
      for (const headers of [{ 'x-sartor-auth': key }, { 'x-api-key': key }, { authorization: `Bearer ${key}` }]) {
        // An agent, and no admin.
        expect(await (await post(url, headers as Record<string, string>)).json()).toMatchObject({
          result: { isError: true, structuredContent: { code: 'DENIED' } },
        });
      }
    });
    await up(['--port', '0'], { SARTOR_API_KEY: key }, async (url) => expect((await post(url, { 'x-sartor-auth': key })).status).toBe(401));
  });

  it('let everybody on this machine in when they say so', async () => {
    const { err } = await up(['--port', '0'], { REQUIRE_AUTH: 'false' }, async (url) => {
      expect(await (await post(url, {})).json()).toMatchObject({ result: { structuredContent: { agents: [] } } });
      expect((await post(url, { authorization: 'Bearer wrong' })).status).toBe(401);
    });
    expect(err).toMatch(/\[WARNING\] \[mcp.server\] No key is asked for/);
  });

  it('log what the level lets through, in the format asked for', async () => {
    const call = async (url: string) => void (await post(url, { authorization: 'Bearer nobody' }));
    const info = await up(['--port', '0'], {}, call);
    expect(info.err).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[INFO\] \[mcp\.server\] The hub takes calls url=http/m);
    expect((await up(['--port', '0'], { MCP_LOG_LEVEL: 'CRITICAL' }, call)).err).toBe('');
    const lines = (await up(['--port', '0', '--log-format', 'json'], {}, call)).err.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(expect.objectContaining({ level: 'info', logger: 'mcp.server', msg: 'The hub stops' }));
    const file = await up(['--config', 'hub.yaml'], {}, call, { 'hub.yaml': 'port: 0\nlog:\n  file: logs/mcp_server.log\n' });
    expect(file.err).toMatch(/The hub takes calls/);
  });
});

describe('a hub that runs', () => {
  it('shows the gateway face, and counts what it carried', async () => {
    await up(['--port', '0'], { REQUIRE_AUTH: 'false' }, async (url) => {
      await post(url, {});
      const get = async (path: string, headers: Record<string, string> = {}) => (await fetch(`${url}${path}`, { headers })).json();
      expect(await get('/health')).toMatchObject({ status: 'healthy', uptime: expect.any(Number), connections: expect.any(Number), tools: expect.any(Number) });
      expect(await get('/metrics')).toMatchObject({ messages: { received: expect.any(Number) }, tools: { executions: 1, failures: 0 } });
      expect(await (await fetch(`${url}/metrics`, { headers: { accept: 'text/plain' } })).text()).toMatch(/^meshwork_calls_total\{.*agent_list.*\} 1$/m);
      expect(await get('/agents')).toContainEqual(expect.objectContaining({ agent_id: 'anyone', face: 'rest' }));
      expect(await get('/tools')).toMatchObject({ tools: expect.arrayContaining([expect.objectContaining({ name: 'operation_get' })]) });
      const execute = await fetch(`${url}/execute`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ tool: 'agent_list', params: {} }),
      });
      expect(await execute.json()).toMatchObject({ structuredContent: { agents: [] } });
    });
  });

  it('takes WebSockets on the port, and on one of its own', async () => {
    const greet = (url: string, key: string | undefined) =>
      new Promise<string>((resolve, reject) => {
        const socket = new WebSocket(url, key === undefined ? ['mcp'] : ['mcp', `mcp.bearer.${Buffer.from(key).toString('base64url')}`]);
        socket.onerror = () => reject(new Error(`no connection to ${url}`));
        socket.onopen = () => socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: hello }));
        socket.onmessage = ({ data }) => {
          resolve(String(data));
          socket.close();
        };
      });
    const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
    const key = 'a-key-made-somewhere-else';
    const { err } = await up(['--port', '0', '--ws-port', '0', '--log-format', 'json'], { SARTOR_API_KEY: key }, async (url) => {
      expect(await greet(url.replace('http', 'ws'), key)).toContain('"protocolVersion":"2025-11-25"');
      await expect(greet(url.replace('http', 'ws'), 'a-key-that-nobody-knows')).rejects.toThrow('no connection');
    });
    const lines = err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);
    const own = lines.find(({ webSocketUrl }) => webSocketUrl !== undefined)?.webSocketUrl;
    expect(own).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/mcp$/);
    expect(lines.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining([expect.stringContaining('connected'), expect.stringContaining('Authentication failed')]),
    );
    expect(err).not.toContain(key);
  });
});
