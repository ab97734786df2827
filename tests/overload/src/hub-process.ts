import { audit } from '@meshwork/audit';
import { createHub, createOperations, type Principal, zoneTrust } from '@meshwork/core';
import { openSqlite } from '@meshwork/store-sqlite';
import { type ServeHttpOptions, serveHttp, serveSocket, serveStdio, serveWebSocket } from '@meshwork/transports';
import type { FromHub, ToHub, Usage } from './hub-messages.ts';
import { tools } from './hub-tools.ts';

/** A hub on every face in a process of its own, which says what it uses. Its arguments: the socket's path, the database, options as JSON. */
const [path, database, optionsJson = '{}', stdio] = process.argv.slice(2) as [string, string, string?, string?];

const principals = new Map<string, Principal>();
const principalOf = (name: string): Principal => {
  const principal = principals.get(name) ?? {
    id: name,
    kind: 'agent',
    roles: [],
    zone: 'local',
    trust: zoneTrust.local,
    method: 'api-key',
    actsFor: [],
  };
  principals.set(name, principal);
  return principal;
};
const authenticator: ServeHttpOptions['authenticator'] = {
  authenticate: async (credential) => (credential?.endsWith('-key') ? principalOf(credential.slice(0, -'-key'.length)) : undefined),
};

const store = await openSqlite({ path: database });
const operations = createOperations({ store, hub: 'overload', maxPerOwner: 10_000 });
await operations.recover();
const { records = false, ...given } = JSON.parse(optionsJson) as { readonly records?: boolean };
/** Calls, and what the doors refuse. */
const log = records ? audit({ journal: store, isExclusive: true }) : undefined;
const hub = createHub({
  operations,
  modules: [...(log === undefined ? [] : [log]), { name: 'tools', tools, resources: [{ uri: 'board://x', name: 'x', read: () => ({ json: { x: 1 } }) }] }],
});
const options = { authenticator, ...(log !== undefined && { recorder: log.door }), ...given };
const http = await serveHttp(hub, { ...options, port: 0 });
const webSocket = await serveWebSocket(hub, { ...options, port: 0 });
const socket = await serveSocket(hub, { ...options, path });
const pipe = stdio === 'stdio' ? await serveStdio(hub, { ...options, principal: principalOf('piped') }) : undefined;

const say = (message: FromHub) => process.send?.(message);

async function usage(): Promise<Usage> {
  // Buffers and closed handles are given back over several turns of the loop, and collections.
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    globalThis.gc?.();
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  // Not what is being written on them.
  const handles = process.getActiveResourcesInfo().filter((kind) => /^(TCP|Pipe|TTY).*Wrap$/i.test(kind)).length;
  return { heapUsed, external, arrayBuffers, rss, handles, peak: process.resourceUsage().maxRSS * 1_024 };
}

/** Updates in portions, as events come: the hub does other things in between. */
async function publish(times: number, uri: string): Promise<void> {
  for (let told = 1; told <= times; told++) {
    hub.resourceUpdated(uri);
    if (told % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

let watching: NodeJS.Timeout | undefined;
let most = 0;
const look = () => {
  const { heapUsed, external } = process.memoryUsage();
  most = Math.max(most, heapUsed + external);
};

process.on('message', async (message: ToHub) => {
  if (message.type === 'usage') say({ type: 'usage', usage: await usage() });
  else if (message.type === 'watch') {
    most = 0;
    look();
    watching = setInterval(look, 20);
    say({ type: 'done' });
  } else if (message.type === 'most') {
    clearInterval(watching);
    look();
    say({ type: 'most', bytes: most });
  } else if (message.type === 'publish') {
    await publish(message.times, message.uri);
    say({ type: 'done' });
  } else if (message.type === 'close') {
    // In the order of an application: the faces first, then what is behind them.
    await Promise.all([http.close(), webSocket.close(), socket.close(), pipe?.close()]);
    await operations.close();
    await hub.close();
    await store.close();
    say({ type: 'done' });
    process.disconnect();
  }
});

say({ type: 'ready', places: { http: http.url, webSocket: webSocket.url, socket: path } });
