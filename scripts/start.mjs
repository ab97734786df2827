// npm start: sets up, then runs a hub with the arguments given. The script in package.json says `exec`, because npm's signals reach no further
// than the process it started: a shell in between would end and leave the hub running.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { build, install, node, root, toolEnv } from './setup.mjs';

install();
build();
const hub = spawn(node, [join(root, 'packages', 'cli', 'bin', 'meshwork.js'), 'up', ...process.argv.slice(2)], { env: toolEnv, stdio: 'inherit' });
// Always passed on: who sent one cannot be told, and the hub takes what comes twice within a second for one. A closed terminal is a wish to stop.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => hub.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal));
hub.on('error', ({ message }) => {
  console.error(`The hub cannot be started: ${message}`);
  process.exit(1);
});
hub.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
