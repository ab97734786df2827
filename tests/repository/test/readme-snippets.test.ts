import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Inside this package, so that its dependencies are found. */
const scratch = fileURLToPath(new URL('../.scratch', import.meta.url));

const readmes = ['README.md', ...(await readdir(join(root, 'packages'))).map((name) => join('packages', name, 'README.md'))];
const snippets = (
  await Promise.all(
    readmes.map(async (file) => {
      const text = await readFile(join(root, file), 'utf8');
      return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match, index) => ({ name: `${file}, snippet ${index + 1}`, code: match[1] ?? '' }));
    }),
  )
).flat();

afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('snippets in READMEs', () => {
  it('are there', () => expect(snippets.length).toBeGreaterThanOrEqual(readmes.length - 2));

  it.each(snippets)('$name runs', async ({ code }) => {
    await mkdir(scratch, { recursive: true });
    const folder = await mkdtemp(join(scratch, 'snippet-'));
    const file = join(folder, 'snippet.ts');
    await writeFile(file, code);
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@meshwork/source', file], { cwd: folder, timeout: 20_000 });
    expect(stdout, relative(root, file)).not.toBe('');
  });
});
