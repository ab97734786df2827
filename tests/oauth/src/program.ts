import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Io, runCli } from 'meshwork';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The one JSON document on standard output. */
  readonly json: Record<string, unknown> & { readonly error?: { readonly code: string; readonly message: string } };
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  readonly isTerminal?: boolean;
  readonly input?: string;
  /** Hears what is written to standard error as it is written. */
  readonly onErr?: (text: string) => void;
}

/** Runs the program in this process, with nothing of this one's environment. */
export async function run(args: readonly string[], { cwd, env = {}, isTerminal = false, input = '', onErr = () => {} }: RunOptions): Promise<Ran> {
  let [out, err] = ['', ''];
  const io: Io = {
    out(text) {
      out += text;
    },
    err(text) {
      err += text;
      onErr(text);
    },
    env,
    cwd,
    isTerminal,
    readInput: async () => input,
    onStop: () => () => {},
  };
  const code = await runCli(args, io);
  return ended(code, out, err);
}

/** Runs it in a process of its own. */
export function spawnRun(args: readonly string[], { cwd, env = {} }: Pick<RunOptions, 'cwd' | 'env'>): Promise<Ran> {
  const main = fileURLToPath(new URL('./main.ts', import.meta.resolve('meshwork')));
  const child = spawn(process.execPath, ['--conditions=@meshwork/source', main, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', ...env },
    timeout: 60_000,
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve(ended(code ?? -1, out, err))));
}

function ended(code: number, out: string, err: string): Ran {
  return {
    code,
    out,
    err,
    get json() {
      return JSON.parse(out);
    },
  };
}

export interface UpOptions {
  readonly port: number;
  /** Folder for the configuration and the hub's data. */
  readonly folder: string;
  readonly issuers: readonly object[];
  /** Files of a certificate and its key: serves https. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** `meshwork up` with authorization servers, until it is disposed of. */
export async function up({ port, folder, issuers, tls }: UpOptions): Promise<{ readonly url: string } & AsyncDisposable> {
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/mcp`;
  const config = join(folder, 'hub.json');
  await writeFile(config, JSON.stringify({ oauth: { resource: url, issuers, allowPrivateHosts: ['127.0.0.1'] }, tls }));
  let stop = () => {};
  const ready = Promise.withResolvers<void>();
  const running = runCli(['up', '--port', String(port), '--data', join(folder, 'hub'), '--config', config, '--json'], {
    out: () => ready.resolve(),
    err: () => {},
    env: {},
    cwd: folder,
    onStop(listener) {
      stop = listener;
      return () => {};
    },
  });
  await Promise.race([ready.promise, running.then((code) => Promise.reject(new Error(`up ended with ${code}`)))]);
  return {
    url,
    async [Symbol.asyncDispose]() {
      stop();
      await running;
    },
  };
}
