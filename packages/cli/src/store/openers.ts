import { createMemoryStore, type Store } from '@meshwork/core';
import { usageError } from '../cli-error.ts';

/** How stores of one scheme are opened. */
export interface Opener {
  /** Loads the driver and opens the store: a file for `sqlite`, the URL for servers, of which one may be only looked at. @throws {MeshworkError} */
  readonly open: (address: string, options?: { readonly readOnly?: boolean }) => Promise<Store>;
  /** True when hubs in other processes may have it open too. */
  readonly isShared: boolean;
}

const postgres: Opener = {
  isShared: true,
  open: async (url, options) => (await import('@meshwork/store-postgres')).openPostgres({ ...takeParameter(url, 'schema'), ...options }),
};
const redis: Opener = {
  isShared: true,
  open: async (url, options) => (await import('@meshwork/store-redis')).openRedis({ ...takeParameter(url, 'prefix'), ...options }),
};
const nats: Opener = { isShared: true, open: openNatsAt };

/** Every store the program knows, by the scheme of its URL. A driver is loaded when it is used. */
export const openers: Readonly<Record<string, Opener>> = {
  sqlite: { isShared: false, open: async (path) => (await import('@meshwork/store-sqlite')).openSqlite({ path }) },
  memory: { isShared: false, open: async () => createMemoryStore() },
  postgres,
  postgresql: postgres,
  redis,
  rediss: redis,
  nats,
};

async function openNatsAt(address: string, options: { readonly readOnly?: boolean } = {}): Promise<Store> {
  const { url: rest, name } = takeParameter(address, 'name');
  const { url, replicas } = takeParameter(rest, 'replicas');
  const { openNats } = await import('@meshwork/store-nats');
  return openNats({ url, ...options, ...(name !== undefined && { name }), ...(replicas !== undefined && { replicas: replicasOf(replicas) }) });
}

function replicasOf(text: string): 1 | 3 | 5 {
  if (text === '1' || text === '3' || text === '5') return Number(text) as 1 | 3 | 5;
  throw usageError(`replicas=${text} in the URL of the store; JetStream keeps 1, 3 or 5 copies of each message`);
}

/** A parameter of a URL that is ours: several stores in one database or server. */
function takeParameter<Name extends string>(address: string, name: Name): { readonly url: string } & { readonly [Key in Name]?: string } {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const value = url?.searchParams.get(name) ?? undefined;
  if (url === undefined || value === undefined) return { url: address } as never;
  url.searchParams.delete(name);
  return { url: url.href, [name]: value } as never;
}
