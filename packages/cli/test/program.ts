import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const mainFile = fileURLToPath(new URL('../src/main.ts', import.meta.url));
export const nodeArgs = ['--conditions=@meshwork/source', mainFile];

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** The one JSON document on standard output. */
  readonly json: Record<string, never>;
}

/** Runs the program to its end, as a user would. */
export async function meshwork(args: readonly string[], env: Record<string, string> = {}, cwd?: string): Promise<Ended> {
  const child = start(args, env, cwd);
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  const code = await exitOf(child);
  return {
    code,
    out,
    err,
    get json() {
      return JSON.parse(out);
    },
  };
}

/** A hub in a process of its own. */
export interface RunningProgram {
  readonly url: string;
  readonly adminKey: string;
  readonly child: ChildProcess;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export async function runHub(data: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<RunningProgram> {
  const { readFile } = await import('node:fs/promises');
  const child = start(['up', '--port', '0', '--data', data, '--json', ...args], env);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const { value } = await lines[Symbol.asyncIterator]().next();
  const { url, adminKeyFile } = JSON.parse(String(value)) as { url: string; adminKeyFile: string };
  if (adminKeyFile === undefined) throw new Error(String(value));
  return {
    url,
    adminKey: (await readFile(adminKeyFile, 'utf8')).trim(),
    child,
    stop(signal = 'SIGINT') {
      const ended = exitOf(child);
      child.kill(signal);
      return ended;
    },
  };
}

export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-cli-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function start(args: readonly string[], env: Record<string, string>, cwd?: string): ChildProcess {
  const { MESHWORK_KEY: _key, MESHWORK_SERVER: _server, MESHWORK_DATA: _data, ...inherited } = process.env;
  return spawn(process.execPath, [...nodeArgs, ...args], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  });
}

function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('close', resolve));
}
