import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FromHub, Places, ToHub, Usage } from './hub-messages.ts';

export interface StartHubOptions {
  /** Passed to every face. */
  readonly options?: object;
  /** Where the database and the socket are. Default a new folder, which goes with the hub. */
  readonly folder?: string;
  /** Serve standard input and output too. */
  readonly stdio?: boolean;
}

/** A hub under test. */
export interface HubProcess extends AsyncDisposable {
  readonly places: Places;
  readonly child: ChildProcess;
  usage(): Promise<Usage>;
  publish(times: number, uri?: string): Promise<void>;
  /** The most the hub's heap and buffers held while the work went on, in bytes. */
  mostDuring<T>(work: () => Promise<T>): Promise<{ readonly bytes: number; readonly result: T }>;
  /** Has it close everything; resolves with its exit code once it has ended by itself. */
  close(): Promise<number | null>;
  kill(): Promise<void>;
}

export async function startHub({ options = {}, folder, stdio = false }: StartHubOptions = {}): Promise<HubProcess> {
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'meshwork-overload-')));
  const args = [join(home, 'hub.sock'), join(home, 'hub.db'), JSON.stringify(options), ...(stdio ? ['stdio'] : [])];
  const child = fork(new URL('./hub-process.ts', import.meta.url), args, {
    execArgv: ['--conditions=@meshwork/source', '--expose-gc'],
    stdio: stdio ? ['pipe', 'pipe', 'inherit', 'ipc'] : 'inherit',
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const next = async <Type extends FromHub['type']>(type: Type) => {
    for (;;) {
      const [message] = (await Promise.race([once(child, 'message'), ended.then((code) => Promise.reject(new Error(`the hub ended with code ${code}`)))])) as [
        FromHub,
      ];
      if (message.type === type) return message as Extract<FromHub, { type: Type }>;
    }
  };
  const ask = <Type extends FromHub['type']>(message: ToHub, type: Type) => {
    const answer = next(type);
    child.send(message);
    return answer;
  };
  const { places } = await next('ready');
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return {
    places,
    child,
    usage: async () => (await ask({ type: 'usage' }, 'usage')).usage,
    async publish(times, uri = 'board://x') {
      await ask({ type: 'publish', times, uri }, 'done');
    },
    async mostDuring(work) {
      await ask({ type: 'watch' }, 'done');
      const result = await work();
      return { bytes: (await ask({ type: 'most' }, 'most')).bytes, result };
    },
    async close() {
      child.send({ type: 'close' } satisfies ToHub);
      return ended;
    },
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      if (folder === undefined) await rm(home, { recursive: true, force: true });
    },
  };
}
