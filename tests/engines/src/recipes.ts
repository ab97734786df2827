import { readdirSync } from 'node:fs';
import type { Recipe } from './recipe.ts';

/** Every write is on the disk before it is acknowledged: what the tests count on when they kill the server. */
export const recipes = {
  postgres: {
    program: 'postgres',
    folders: debianFolders(),
    usualUrl: 'postgres://postgres@127.0.0.1:5432/postgres',
    prepare: (folder, run) =>
      run('initdb', ['--pgdata', folder, '--username', 'postgres', '--auth', 'trust', '--encoding', 'UTF8', '--locale', 'C', '--no-sync']),
    args: (folder, port) => ['-D', folder, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`],
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
    greeting: { say: startupMessage(), hear: 'R' },
  },
  redis: {
    program: 'redis-server',
    folders: [],
    usualUrl: 'redis://127.0.0.1:6379',
    args: (folder, port) => ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
    url: (port) => `redis://127.0.0.1:${port}`,
    greeting: { say: 'PING\r\n', hear: '+PONG' },
  },
  nats: {
    program: 'nats-server',
    folders: ['/usr/sbin'],
    usualUrl: 'nats://127.0.0.1:4222',
    args: (folder, port) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder],
    url: (port) => `nats://127.0.0.1:${port}`,
    greeting: { say: '', hear: 'INFO {' },
  },
} as const satisfies Record<string, Recipe>;

function debianFolders(): readonly string[] {
  try {
    return readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}

/** PostgreSQL's StartupMessage (protocol 3.0): a server that still starts or recovers answers it with an error. */
function startupMessage(): Uint8Array {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + parameters.length, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, parameters]);
}
