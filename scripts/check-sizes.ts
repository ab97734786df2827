// What a library adds to an application: its root entry, minified and gzipped, without its dependencies.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const budgets = JSON.parse(readFileSync(join(root, 'scripts', 'sizes.json'), 'utf8')) as Record<string, number>;

const rows = await Promise.all(
  Object.entries(budgets).map(async ([name, budget]) => {
    const { outputFiles } = await build({
      entryPoints: [join(root, 'packages', name, 'src', 'index.ts')],
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'node',
      packages: 'external',
    });
    return { name, bytes: gzipSync(outputFiles[0]?.contents ?? new Uint8Array()).length, budget };
  }),
);
console.table(Object.fromEntries(rows.map(({ name, ...row }) => [name, row])));
const over = rows.filter(({ bytes, budget }) => bytes > budget);
for (const { name, bytes, budget } of over)
  console.error(`${name} is ${bytes} bytes, over its budget of ${budget}; make it smaller, or raise scripts/sizes.json and say why`);
process.exitCode = over.length === 0 ? 0 : 1;
