import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { familyOf } from './family.ts';
import { findProgram } from './find-program.ts';
import { freePort } from './free-port.ts';
import { isReady } from './is-ready.ts';
import type { Recipe } from './recipe.ts';
import { recipes } from './recipes.ts';

export type EngineName = keyof typeof recipes;
export const engineNames = Object.keys(recipes) as readonly EngineName[];

/** A server of the test's own, on a folder and a port of its own, which the test may kill. */
export interface Engine extends AsyncDisposable {
  readonly name: EngineName;
  /** Stays the same across restarts. */
  readonly url: string;
  readonly port: number;
  /** Ends the server with SIGKILL; its folder stays. */
  kill(): Promise<void>;
  /** Stops its processes where they are (SIGSTOP): connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same folder and port, and resolves when it serves. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

const LONGEST_START_MS = 30_000;

/** True when this machine has the server's program. */
export function hasEngine(name: EngineName): boolean {
  return findProgram(recipes[name].program, recipes[name].folders) !== undefined;
}

export interface EngineOptions {
  /** Default: one that is free. */
  readonly port?: number;
  /** Further arguments of its program. */
  readonly args?: readonly string[];
}

/** Starts a server of this machine's own programs; undefined when there is none. @throws {Error} when it does not come up. */
export async function startEngine(name: EngineName, { port: wanted, args = [] }: EngineOptions = {}): Promise<Engine | undefined> {
  const recipe: Recipe = recipes[name];
  const program = findProgram(recipe.program, recipe.folders);
  if (program === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), `meshwork-${name}-`));
  const owner = name === 'postgres' ? otherUser() : undefined;
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
  const run = promisify(execFile);
  await recipe.prepare?.(folder, async (helper, its) => {
    await run(findProgram(helper, recipe.folders) ?? helper, [...its], { ...owner, cwd: folder });
  });
  const port = wanted ?? (await freePort());
  let child: ChildProcess | undefined;
  const end = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    signal(running, 'SIGKILL');
    await ended;
  };
  const start = async () => {
    // A group of its own, so that a signal to the tests' does not end it before they do.
    const started = spawn(program, [...recipe.args(folder, port), ...args], { ...owner, cwd: folder, detached: true, stdio: 'ignore' });
    child = started;
    for (const since = Date.now(); Date.now() - since < LONGEST_START_MS; await new Promise((resolve) => setTimeout(resolve, 20))) {
      if (started.exitCode !== null || started.signalCode !== null)
        throw new Error(`${program} ended as soon as it was started (${started.exitCode ?? started.signalCode})`);
      if (await isReady('127.0.0.1', port, recipe.greeting)) return;
    }
    throw new Error(`${program} does not serve after ${LONGEST_START_MS} ms`);
  };
  const orphan = () => child && signal(child, 'SIGKILL');
  process.once('exit', orphan);
  const stop = async () => {
    process.off('exit', orphan);
    await end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  const toAll = (name: NodeJS.Signals) => child && signal(child, name);
  return {
    name,
    url: recipe.url(port),
    port,
    kill: end,
    freeze: () => void toAll('SIGSTOP'),
    thaw: () => void toAll('SIGCONT'),
    async restart() {
      await end();
      await start();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** To the server and all its workers, the server first: it would start others for those that end. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  for (const pid of familyOf(child.pid)) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended by itself.
    }
  }
}

/** PostgreSQL refuses to be run by root: then it is run by the user Debian made for it. */
function otherUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (kind: string) => Number(execFileSync('id', [kind, 'postgres'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}
