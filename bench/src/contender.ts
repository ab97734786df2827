import { type ChildProcess, fork } from 'node:child_process';
import { requestBody, requestHeaders } from './echo-tools.ts';
import { type LoadResult, load } from './load.ts';

/** A server under measurement, in a process of its own. */
export interface Contender {
  readonly name: string;
  readonly url: string;
  /** Opens it, where it has a door. */
  readonly key?: string;
  measure(options: { readonly connections: number; readonly durationMs: number; readonly rate?: number }): Promise<Measured>;
  usage(): Promise<Usage>;
  /** Ends it and waits for what it writes as it ends. */
  stop(): Promise<void>;
}

/** What the server has used so far. The heap is what is left after a collection, where the server may ask for one (`--expose-gc`). */
interface Usage {
  readonly cpuMicros: number;
  readonly heapUsed: number;
}

/** What a load saw, and the processor time the server spent on a call, in microseconds. */
export interface Measured extends LoadResult {
  readonly cpuMicros: number;
}

/** Starts a server from `servers/` and waits until it listens. */
export async function startContender(name: string, script: string, args: readonly string[] = [], execArgv: readonly string[] = []): Promise<Contender> {
  const child = fork(new URL(`./servers/${script}`, import.meta.url), [...args], { execArgv: ['--conditions=@meshwork/source', ...execArgv] });
  const { url, key } = await reply<{ url: string; key?: string }>(child, name);
  const headers = key === undefined ? requestHeaders : { ...requestHeaders, authorization: `Bearer ${key}` };
  const usage = () => {
    child.send('usage');
    return reply<Usage>(child, name);
  };
  return {
    name,
    url,
    ...(key !== undefined && { key }),
    usage,
    async measure(options) {
      const before = await usage();
      const result = await load({ url, headers, body: requestBody, expect: 'forty-eight', ...options });
      return { ...result, cpuMicros: ((await usage()).cpuMicros - before.cpuMicros) / result.calls };
    },
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.disconnect();
      }),
  };
}

function reply<T>(child: ChildProcess, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`${name} ended with code ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as T);
    });
  });
}
