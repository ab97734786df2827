import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './hub.ts';
import { type LyingIssuer, startLyingIssuer } from './liar.ts';
import { type Ran, type RunOptions, run, up } from './program.ts';

const open: AsyncDisposable[] = [];
/** Closes what {@link opened} was given, the last first; for `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
}

/** Keeps it until the end of the test. */
export function opened<T extends AsyncDisposable>(each: T): T {
  open.push(each);
  return each;
}

export const SECRET = 'canary-secret-of-the-client';
export const TOKEN = 'canary-token-of-the-login';
export const allow = ['--allow-private-host', '127.0.0.1'];
export const asClient = ['--client-id', 'worker', '--client-secret-env', 'WORKER_SECRET'];

/** A folder of a user, and the program in it. */
export interface Home {
  readonly folder: string;
  meshwork(args: readonly string[], options?: Partial<RunOptions>): Promise<Ran>;
  /** Puts a login on the disk, in the place of the login for a hub. */
  keep(url: string, login: Record<string, unknown>): Promise<string>;
  logins(): Promise<readonly string[]>;
}

/** An empty folder of a user. */
export async function home(): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-threat-'));
  opened({ [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) });
  const logins = join(folder, '.meshwork', 'logins');
  return {
    folder,
    meshwork: (args, options = {}) => run([...args, '--json'], { cwd: folder, env: { WORKER_SECRET: SECRET }, ...options }),
    async keep(url, login) {
      await mkdir(logins, { recursive: true, mode: 0o700 });
      const file = join(logins, `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.json`);
      await writeFile(file, JSON.stringify(login), { mode: 0o600 });
      return file;
    },
    logins: () => readdir(logins).catch(() => []),
  };
}

/** A real hub that trusts a lying authorization server, and somebody who logs in there. */
export async function worldOfLies() {
  const user = await home();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/mcp`;
  const issuer = opened(await startLyingIssuer(url));
  opened(await up({ port, folder: user.folder, issuers: [{ issuer: issuer.origin, algorithms: ['ES256'], agents: { worker: 'data_analyst' } }] }));
  const login = (args: readonly string[] = asClient) => user.meshwork(['login', url, ...allow, ...args]);
  return { ...user, url, issuer, login };
}

/** A login as it is kept, with {@link TOKEN}. */
export const loginFor = (resource: string, issuer: string, changes: Record<string, unknown> = {}) => ({
  version: 1,
  resource,
  issuer,
  clientId: 'worker',
  grant: 'client-credentials',
  proof: { method: 'secret', variable: 'WORKER_SECRET' },
  scope: 'mcp:read',
  scopeNamed: false,
  allowPrivateHosts: ['127.0.0.1'],
  accessToken: TOKEN,
  ...changes,
});

/** What an authorization server was asked at its token endpoint. */
export const tokenRequests = ({ asked }: LyingIssuer) => asked.filter(({ path }) => path === '/token');
