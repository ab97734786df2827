// npm start: sets up, then runs a hub with the arguments given.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, install, node, root, toolEnv } from './setup.mjs';

install();
build();
const hub = spawn(node, [join(root, 'packages', 'cli', 'bin', 'meshwork.js'), 'up', ...process.argv.slice(2)], { env: toolEnv, stdio: 'inherit' });
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    // A terminal's Ctrl-C reaches the hub by itself; anybody else's signal is passed on, once.
    if (!stopping && !(signal === 'SIGINT' && process.stdin.isTTY)) hub.kill(signal);
    stopping = true;
  });
}
hub.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)));
