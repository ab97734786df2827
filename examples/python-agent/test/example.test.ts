import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveHttp } from '@meshwork/transports';
import { dataFolder, startHub } from 'meshwork';
import { describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../agent.py', import.meta.url));
const hasPython = spawnSync('python3', ['--version']).status === 0;

function agent(resource: string, env: Record<string, string>): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn('python3', [script, 'request-permission', '--agent', 'data_analyst', '--resource', resource, '--justification', 'Q4 analysis task'], {
    env: { ...process.env, ...env },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

describe.skipIf(!hasPython)('an agent in Python', () => {
  it('is granted, refused and turned away as any other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'python-agent-'));
    const running = await startHub({ folder: dataFolder(folder) });
    const { key } = await running.guardian.agents.add({ name: 'data_analyst' });
    const server = await serveHttp(running.hub, { port: 0, authenticator: running.guardian.authenticator });
    const env = { MESHWORK_SERVER: server.url, MESHWORK_KEY: key };
    const granted = await agent('SAP_API', env);
    expect(granted).toMatchObject({ code: 0 });
    expect(JSON.parse(granted.out)).toMatchObject({ granted: true });
    expect(await agent('DATA_EXPORT', env)).toMatchObject({ code: 1 });
    expect(await agent('NOPE', env)).toMatchObject({ code: 1, err: expect.stringContaining('must be one of') });
    expect(await agent('SAP_API', { ...env, MESHWORK_KEY: 'mk_wrong' })).toMatchObject({ code: 1, err: expect.stringContaining('key is not known') });
    await server.close();
    await running.close();
    expect(await agent('SAP_API', env)).toMatchObject({ code: 3 });
    await rm(folder, { recursive: true });
  });
});
