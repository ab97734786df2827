import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url));

interface ToolAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A hub in a process of its own, on a port that it keeps over its lives. */
export interface HubProcess {
  readonly name: string;
  readonly isUp: boolean;
  /** Starts it, and waits until it listens. Does nothing when it is up. */
  start(): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
  /** Calls a tool as its administrator. Throws when no answer comes. */
  call(tool: string, args: object, timeoutMs?: number): Promise<ToolAnswer>;
  /** How a board does there. Throws when no answer comes. */
  status(board: string): Promise<Readonly<Record<string, unknown>>>;
}

export interface HubProcessOptions {
  readonly name: string;
  readonly port: number;
  readonly key: string;
  /** What `meshwork up` is called with. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export function createHubProcess({ name, port, key, args, env }: HubProcessOptions): HubProcess {
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'close');
    ending.kill(signal);
    await ended;
  };
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  return {
    name,
    get isUp() {
      return child !== undefined;
    },
    async start() {
      if (child !== undefined) return;
      const starting = spawn(process.execPath, ['--conditions=@meshwork/source', main, 'up', '--port', String(port), '--json', ...args], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child = starting;
      let complaint = '';
      starting.stderr.on('data', (chunk) => {
        complaint = `${complaint}${chunk}`.slice(-4_000);
      });
      const first = await createInterface({ input: starting.stdout })[Symbol.asyncIterator]().next();
      // It may be killed while it starts.
      if (first.done && starting === child) throw new Error(`${name} did not start:\n${complaint}`);
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async call(tool, args, timeoutMs = 10_000) {
      const response = await fetch(`http://127.0.0.1:${port}/mcp/tools/${tool}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(args),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body = (await response.json()) as Record<string, unknown>;
      return { status: response.status, body: (body.structuredContent ?? body) as Record<string, unknown> };
    },
    async status(board) {
      const response = await fetch(`http://127.0.0.1:${port}/mcp/resources/${encodeURIComponent(`blackboard://${board}`)}`, {
        headers,
        signal: AbortSignal.timeout(10_000),
      });
      const { contents } = (await response.json()) as { contents: readonly { text: string }[] };
      return JSON.parse(contents[0]?.text ?? '') as Record<string, unknown>;
    },
  };
}
