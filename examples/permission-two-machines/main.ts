// Runs the hub and the agent as separate processes, and ends with the agent's exit code.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = await mkdtemp(join(tmpdir(), 'two-machines-'));
const hub = fork(new URL('hub.ts', import.meta.url), [folder]);
const [{ url, key }] = (await once(hub, 'message')) as [{ url: string; key: string }];
console.log(`the hub listens on ${url}`);
const agent = fork(new URL('agent.ts', import.meta.url), { env: { ...process.env, MESHWORK_SERVER: url, MESHWORK_KEY: key } });
const [code] = (await once(agent, 'exit')) as [number];
hub.disconnect();
await once(hub, 'exit');
await rm(folder, { recursive: true });
process.exitCode = code;
