// npm run bench: sets up, then measures. `-- --smoke` is a short run, `-- --json` prints JSON.
import { join } from 'node:path';
import { build, install, must, node, root } from './setup.mjs';

install();
build();
must('The benchmark', node, ['--conditions=@meshwork/source', join(root, 'bench', 'src', 'main.ts'), ...process.argv.slice(2)]);
