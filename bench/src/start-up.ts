import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Milliseconds from starting the built program to the answer of its first call, on a fresh data folder or a used one. */
export async function measureStartUp(): Promise<{ readonly fresh: number; readonly again: number }> {
  const data = await mkdtemp(join(tmpdir(), 'meshwork-start-'));
  try {
    return { fresh: await once(data), again: await once(data) };
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

async function once(data: string): Promise<number> {
  const started = performance.now();
  const program = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
  const child = spawn(process.execPath, [program, 'up', '--port', '0', '--data', data, '--log-level', 'WARNING', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  try {
    const { url, adminKeyFile } = await firstLine(child.stdout);
    const key = (await readFile(adminKeyFile, 'utf8')).trim();
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${key}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'agent_list',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'agent_list', arguments: {}, _meta: meta } }),
    });
    const text = await response.text();
    if (response.status !== 200 || text.includes('"isError":true')) throw new Error(`the first call was answered ${response.status}: ${text.slice(0, 300)}`);
    return performance.now() - started;
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<{ url: string; adminKeyFile: string }> {
  for await (const line of createInterface({ input: stream })) return JSON.parse(line) as { url: string; adminKeyFile: string };
  throw new Error('the program ended before it said where it listens');
}
