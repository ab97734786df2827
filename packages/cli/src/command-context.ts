import { resolve } from 'node:path';
import { usageError } from './cli-error.ts';
import { type DataFolder, dataFolder, readAdminKey } from './data-folder.ts';
import type { Io } from './io.ts';
import { createHubFetch } from './login/hub-fetch.ts';
import { createHubTokens } from './login/hub-tokens.ts';
import { createLoginStore, type LoginStore } from './login/login-store.ts';
import type { StoredLogin } from './login/stored-login.ts';
import { connectHub, type RemoteHub } from './remote-hub.ts';
import { createTrustingFetch, readTlsIdentity, type TlsFiles, type TlsIdentity } from './trusting-fetch.ts';

/** Options every command takes. */
export interface GlobalOptions extends TlsFiles {
  readonly server?: string;
  readonly key?: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** What a command shows the hub, in the order in which they are looked for. */
type Credential =
  | { readonly by: 'key'; readonly key: string }
  | { readonly by: 'login'; readonly login: StoredLogin }
  | { readonly by: 'admin-key'; readonly key: string }
  | { readonly by: 'nothing' };

/** What a command works with. */
export interface CommandContext {
  readonly io: Io;
  readonly json: boolean;
  readonly folder: DataFolder;
  /** The hub's endpoint, from `--server`, `MESHWORK_SERVER` or the default. */
  readonly url: string;
  /** The key: `--key`, `MESHWORK_KEY`, or, for a hub on this machine, the admin key in the data folder. */
  key(): Promise<string | undefined>;
  /** The logins of the data folder. */
  readonly logins: LoginStore;
  /** What `connect` shows: the given key, the login for the hub, or the admin key of a hub on this machine. @throws {CliError} when a login cannot be trusted. */
  credential(): Promise<Credential>;
  /** What `--ca`, `--cert` and `--cert-key` name, or MESHWORK_CA, MESHWORK_CERT and MESHWORK_CERT_KEY. */
  identity(): Promise<TlsIdentity | undefined>;
  /** `mayWiden: false` keeps a login to the scopes it has. */
  connect(options?: { readonly mayWiden?: boolean }): Promise<RemoteHub>;
  /** Connects with this access token alone, to see whether the hub takes it. @throws {CliError} when it does not. */
  tryToken(token: string): Promise<void>;
  /** Prints one JSON document, or what people would rather read. */
  print(document: unknown, readable: () => string): void;
}

const DEFAULT_SERVER = 'http://127.0.0.1:3001/mcp';

export function createContext(io: Io, options: GlobalOptions): CommandContext {
  const folder = dataFolder(resolve(io.cwd, options.data ?? (io.env.MESHWORK_DATA || '.meshwork')));
  const url = endpoint(options.server ?? (io.env.MESHWORK_SERVER || DEFAULT_SERVER));
  const logins = createLoginStore(folder);
  const given = options.key ?? (io.env.MESHWORK_KEY || undefined);
  const adminKey = async () => (isLoopback(url) ? await readAdminKey(folder) : undefined);
  const key = async () => given ?? (await adminKey());
  const credential = async (): Promise<Credential> => {
    if (given !== undefined) return { by: 'key', key: given };
    const login = await logins.find(url);
    if (login !== undefined) return { by: 'login', login };
    const own = await adminKey();
    return own === undefined ? { by: 'nothing' } : { by: 'admin-key', key: own };
  };
  const file = (flag: string | undefined, variable: string) => {
    const name = flag ?? (io.env[variable] || undefined);
    return name === undefined ? undefined : resolve(io.cwd, name);
  };
  const identity = () =>
    readTlsIdentity({
      ca: file(options.ca, 'MESHWORK_CA'),
      cert: file(options.cert, 'MESHWORK_CERT'),
      certKey: file(options.certKey, 'MESHWORK_CERT_KEY'),
    });
  const json = options.json ?? false;
  return {
    io,
    json,
    folder,
    url,
    key,
    identity,
    logins,
    credential,
    async connect({ mayWiden = true } = {}) {
      const shown = await credential();
      const tls = await identity();
      if (shown.by === 'login')
        return connectHub({ url, tokens: createHubTokens(shown.login, { store: logins, env: io.env, mayWiden }), fetch: createHubFetch(tls) });
      const found = shown.by === 'nothing' ? undefined : shown.key;
      return connectHub({ url, key: found, ...(tls !== undefined && new URL(url).protocol === 'https:' && { fetch: createTrustingFetch(tls) }) });
    },
    async tryToken(token) {
      await using _hub = await connectHub({ url, key: token, fetch: createHubFetch(await identity()) });
    },
    print(document, readable) {
      io.out(`${json ? JSON.stringify(document) : readable()}\n`);
    },
  };
}

/** A server without a path means its `/mcp`. */
function endpoint(server: string): string {
  const text = server.includes('://') ? server : `http://${server}`;
  if (!URL.canParse(text)) throw usageError(`${JSON.stringify(server)} is not a URL; write it as http://127.0.0.1:3001/mcp`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw usageError(`the server's URL must start with http:// or https://, not ${url.protocol}`);
  if (url.username !== '' || url.password !== '') throw usageError('a key does not belong in the URL; pass --key or set MESHWORK_KEY');
  if (url.pathname === '/') url.pathname = '/mcp';
  return url.href;
}

function isLoopback(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
