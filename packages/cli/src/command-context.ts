import { resolve } from 'node:path';
import { usageError } from './cli-error.ts';
import { type DataFolder, dataFolder, readAdminKey } from './data-folder.ts';
import type { Io } from './io.ts';
import { connectHub, type RemoteHub } from './remote-hub.ts';
import { createTrustingFetch, readAuthorities } from './trusting-fetch.ts';

/** Options every command takes. */
export interface GlobalOptions {
  readonly server?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** What a command works with. */
export interface CommandContext {
  readonly io: Io;
  readonly json: boolean;
  readonly folder: DataFolder;
  /** The hub's endpoint, from `--server`, `MESHWORK_SERVER` or the default. */
  readonly url: string;
  /** The key: `--key`, `MESHWORK_KEY`, or, for a hub on this machine, the admin key in the data folder. */
  key(): Promise<string | undefined>;
  /** The authorities the hub's certificate may be from, in PEM: `--ca`, `MESHWORK_CA`, or those of this machine. */
  authorities(): Promise<string | undefined>;
  connect(): Promise<RemoteHub>;
  /** Prints one JSON document, or what people would rather read. */
  print(document: unknown, readable: () => string): void;
}

const DEFAULT_SERVER = 'http://127.0.0.1:3001/mcp';

export function createContext(io: Io, options: GlobalOptions): CommandContext {
  const folder = dataFolder(resolve(io.cwd, options.data ?? (io.env.MESHWORK_DATA || '.meshwork')));
  const url = endpoint(options.server ?? (io.env.MESHWORK_SERVER || DEFAULT_SERVER));
  const key = async () => options.key ?? (io.env.MESHWORK_KEY || undefined) ?? (isLoopback(url) ? await readAdminKey(folder) : undefined);
  const caFile = options.ca ?? (io.env.MESHWORK_CA || undefined);
  const authorities = async () => (caFile === undefined ? undefined : readAuthorities(resolve(io.cwd, caFile)));
  const json = options.json ?? false;
  return {
    io,
    json,
    folder,
    url,
    key,
    authorities,
    async connect() {
      const ca = await authorities();
      return connectHub({ url, key: await key(), ...(ca !== undefined && new URL(url).protocol === 'https:' && { fetch: createTrustingFetch(ca) }) });
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
