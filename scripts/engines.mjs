// Sees to it that the servers the stores are tested on can be started: node scripts/engines.mjs. The tests start them.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A server's program, and the package Debian has it in. */
const engines = [
  { program: 'postgres', debian: 'postgresql' },
  { program: 'redis-server', debian: 'redis-server' },
  { program: 'nats-server', debian: 'nats-server' },
];

const missing = () => engines.filter(({ program }) => !isThere(program)).map(({ debian }) => debian);

const wanted = missing();
if (wanted.length > 0 && process.getuid?.() === 0 && isThere('apt-get')) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const aptGet = (...args) => spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], { env, stdio: ['ignore', 2, 2] });
  console.error(`Installing ${wanted.join(' ')} ...`);
  aptGet('update');
  aptGet('install', '--no-install-recommends', '--yes', ...wanted);
}
const still = missing();
if (still.length > 0) {
  console.error(`The tests need servers that are not here. Install them: apt-get install ${still.join(' ')}`);
  process.exit(1);
}

function isThere(program) {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...path, '/usr/sbin', ...postgresFolders()].some((folder) => isExecutable(join(folder, program)));
}

/** Debian keeps PostgreSQL's programs off the path. */
function postgresFolders() {
  try {
    return readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
