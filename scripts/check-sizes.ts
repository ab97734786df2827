// What a library adds to an application: its root entry, or the one that is named, minified and gzipped, without its dependencies.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const budgets = JSON.parse(readFileSync(join(root, 'scripts', 'sizes.json'), 'utf8')) as Record<string, number>;

/** Libraries: a program is not added to an application. */
const libraries = readdirSync(join(root, 'packages')).filter((name) => {
  const manifest = join(root, 'packages', name, 'package.json');
  return existsSync(manifest) && !('bin' in JSON.parse(readFileSync(manifest, 'utf8')));
});
const unbudgeted = libraries.filter((name) => budgets[name] === undefined);

const rows = await Promise.all(
  Object.entries(budgets).map(async ([name, budget]) => {
    const [library = name, entry = 'index'] = name.split('/');
    const { outputFiles } = await build({
      entryPoints: [join(root, 'packages', library, 'src', `${entry}.ts`)],
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
for (const name of unbudgeted) console.error(`${name} has no budget; give it one in scripts/sizes.json`);
process.exitCode = over.length + unbudgeted.length === 0 ? 0 : 1;
