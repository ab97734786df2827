import { type ChildProcess, fork } from 'node:child_process';
import { requestBody, requestHeaders } from './echo-tools.ts';
import { load } from './load.ts';

/** A server under measurement, in a process of its own. */
export interface Contender {
  readonly name: string;
  /** Calls answered per second with `connections` in flight. */
  measure(options: { readonly connections: number; readonly durationMs: number }): Promise<number>;
  stop(): void;
}

/** Starts a server from `servers/` and waits until it listens. */
export async function startContender(name: string, script: string, args: readonly string[] = []): Promise<Contender> {
  const child = fork(new URL(`./servers/${script}`, import.meta.url), [...args], { execArgv: ['--conditions=@meshwork/source'] });
  const { url, key } = await whereabouts(child, name);
  const headers = key === undefined ? requestHeaders : { ...requestHeaders, authorization: `Bearer ${key}` };
  const check = (status: number, body: string) => {
    if (status !== 200 || !body.includes('forty-eight')) throw new Error(`${name} answered ${status}: ${body.slice(0, 300)}`);
  };
  return {
    name,
    measure: (options) => load({ url, headers, body: requestBody, check, ...options }),
    stop: () => void child.kill(),
  };
}

function whereabouts(child: ChildProcess, name: string): Promise<{ url: string; key?: string }> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as { url: string; key?: string }));
    child.once('exit', (code) => reject(new Error(`${name} ended with code ${code} before it listened`)));
  });
}
