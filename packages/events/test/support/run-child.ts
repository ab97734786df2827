import { type ChildProcess, fork } from 'node:child_process';

/** A program of this folder as a process of its own, which says things in messages. */
export interface RunningChild<Message> {
  readonly said: Message[];
  /** SIGKILL; resolves once everything it said is heard. */
  kill(): Promise<void>;
}

export function runChild<Message>(file: string, args: readonly string[]): RunningChild<Message> {
  const child: ChildProcess = fork(new URL(file, import.meta.url).pathname, [...args], { execArgv: ['--conditions=@meshwork/source'] });
  const said: Message[] = [];
  child.on('message', (message) => void said.push(message as Message));
  // Not `exit`: what is still in the pipe comes before `close`.
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    said,
    async kill() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
