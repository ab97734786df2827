import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

export interface DenoServer {
  readonly url: string;
  readonly adminKey: string;
  /** Ends its input, and gives its exit code. */
  stop(): Promise<number | null>;
}

/** A file of this package under Deno, which may read files and use this machine's network, and nothing else. */
export function runDeno(file: string, ...args: string[]): ChildProcessWithoutNullStreams {
  // The program itself, not the package's script around it, so that its end is its own.
  const { runInstall } = require('deno/install_api.cjs') as { runInstall(): string };
  const flags = ['--no-prompt', '--no-remote', '--no-lock', '--allow-read', '--allow-net=127.0.0.1'];
  return spawn(runInstall(), ['run', ...flags, fileURLToPath(new URL(`../${file}`, import.meta.url)), ...args], { stdio: 'pipe' });
}

/** The server of `src/deno-server.ts`. */
export async function startDeno(world: 'plain' | 'guarded'): Promise<DenoServer> {
  const deno = runDeno('src/deno-server.ts', world);
  let complaints = '';
  deno.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const ended = new Promise<number | null>((resolve) => deno.once('close', resolve));
  const { value, done } = await createInterface({ input: deno.stdout })[Symbol.asyncIterator]().next();
  if (done) throw new Error(`deno ended with ${await ended}: ${complaints}`);
  const { port, adminKey } = JSON.parse(value);
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    adminKey,
    stop() {
      deno.stdin.end();
      return ended;
    },
  };
}
