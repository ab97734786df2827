import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Places } from './hub-messages.ts';

/** Attacks that have begun. */
export interface RunningAttack {
  /** Resolves when all they open is open. */
  readonly underWay: Promise<void>;
  /** Ends them, at once and without a good-bye. */
  stop(): Promise<void>;
}

/** Begins attacks in a process of their own. */
export async function startAttack(names: readonly string[], size: number, places: Places): Promise<RunningAttack> {
  const child = fork(new URL('./attacker-process.ts', import.meta.url), [JSON.stringify(names), String(size), JSON.stringify(places)], {
    execArgv: ['--conditions=@meshwork/source'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const next = async () => {
    await Promise.race([once(child, 'message'), ended.then(() => Promise.reject(new Error(`${names.join(', ')}: ended before it was under way`)))]);
  };
  await next();
  const underWay = next();
  underWay.catch(() => {});
  return { underWay, stop };
}
