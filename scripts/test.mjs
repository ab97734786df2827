// npm test: sets up, then runs every suite on the repository's own Node.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, install, node, root, toolEnv } from './setup.mjs';

install();
// Some suites run the program as a user would: built.
build();
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(node, [vitest, 'run', ...process.argv.slice(2)], { cwd: root, env: toolEnv, stdio: 'inherit' });
process.exit(status ?? 1);
