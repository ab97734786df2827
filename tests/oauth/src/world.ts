import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './hub.ts';
import { enterCode } from './person.ts';
import { type Ran, type RunOptions, run, up } from './program.ts';
import { type AuthorizationServer, startProvider } from './provider.ts';

/** A login as it lies on the disk. */
type LoginFile = Record<string, unknown> & { accessToken: string; refreshToken?: string; expiresAt?: number; resource: string };

/** A hub run by `meshwork up`, the authorization server it trusts, and a user's folder. */
export interface World extends AsyncDisposable {
  readonly url: string;
  readonly provider: AuthorizationServer;
  readonly folder: string;
  /** The private key of the client `worker`, in a file. */
  readonly keyFile: string;
  /** A command of the user, for this hub. */
  meshwork(args: readonly string[], options?: Partial<RunOptions>): Promise<Ran>;
  /** Logs in with the device flow, as somebody who says yes, or no. */
  loginByDevice(args?: readonly string[], answer?: 'yes' | 'no'): Promise<Ran>;
  /** Logs in as the client `worker`. */
  loginByKey(args?: readonly string[]): Promise<Ran>;
  /** The file of the one login there is. */
  loginFile(): Promise<string>;
  readLogin(): Promise<LoginFile>;
  changeLogin(changes: Partial<LoginFile>): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-login-'));
  const port = await freePort();
  const provider = await startProvider(`http://127.0.0.1:${port}/mcp`);
  const issuers = [{ issuer: provider.issuer, algorithms: ['EdDSA'], agents: { worker: 'data_analyst', ann: 'ann', tool: 'tool' }, onlyNamed: true }];
  const hub = await up({ port, folder, issuers });
  const keyFile = join(folder, 'worker.jwk');
  await writeFile(keyFile, JSON.stringify(provider.clientKey), { mode: 0o600 });
  const allow = ['--allow-private-host', '127.0.0.1'];
  const meshwork: World['meshwork'] = (args, options = {}) => run(args, { cwd: folder, ...options, env: { MESHWORK_SERVER: hub.url, ...options.env } });
  const loginFile = async () => {
    const files = (await readdir(join(folder, '.meshwork', 'logins'))).filter((name) => name.endsWith('.json'));
    if (files.length !== 1) throw new Error(`there are ${files.length} logins`);
    return join(folder, '.meshwork', 'logins', files[0] ?? '');
  };
  const readLogin = async () => JSON.parse(await readFile(await loginFile(), 'utf8')) as LoginFile;
  return {
    url: hub.url,
    provider,
    folder,
    keyFile,
    meshwork,
    async loginByDevice(args = [], answer = 'yes') {
      let shown = '';
      let entered: Promise<string> | undefined;
      const ran = await meshwork(['login', '--client-id', 'program', '--device', '--json', ...allow, ...args], {
        onErr(text) {
          shown += text;
          const [link] = /http\S+\?user_code=\S+/.exec(shown) ?? [];
          if (link !== undefined) entered ??= enterCode(link, answer);
        },
      });
      await entered;
      return ran;
    },
    loginByKey: (args = []) => meshwork(['login', '--client-id', 'worker', '--private-key', keyFile, '--json', ...allow, ...args]),
    loginFile,
    readLogin,
    async changeLogin(changes) {
      await writeFile(await loginFile(), JSON.stringify({ ...(await readLogin()), ...changes }));
    },
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
