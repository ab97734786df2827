import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
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

/** Writes a file of code into a folder of its own. */
async function fileOf(code: string): Promise<{ folder: string; file: string }> {
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, 'snippet-'));
  const file = join(folder, 'snippet.ts');
  await writeFile(file, code);
  return { folder, file };
}

/** What the compiler says about pieces of code, each a file of its own. */
async function complaintsAbout(code: readonly string[]): Promise<string> {
  const files = await Promise.all(code.map(fileOf));
  const config = join(await mkdtemp(join(scratch, 'config-')), 'tsconfig.json');
  await writeFile(config, JSON.stringify({ extends: join(root, 'tsconfig.base.json'), files: files.map(({ file }) => file) }));
  return run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--noEmit', '-p', config], { cwd: scratch }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
}

afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('snippets in READMEs', () => {
  it('are there', () => expect(snippets.length).toBeGreaterThanOrEqual(readmes.length - 2));

  it.each(snippets)('$name runs', async ({ code }) => {
    const { folder, file } = await fileOf(code);
    const { stdout } = await run(process.execPath, ['--conditions=@meshwork/source', file], { cwd: folder, timeout: 20_000 });
    expect(stdout, relative(root, file)).not.toBe('');
  });

  it('have the types they seem to have', { timeout: 120_000 }, async () => {
    expect(await complaintsAbout(snippets.map(({ code }) => code))).toBe('');
    expect(await complaintsAbout(["import { openSqlite } from '@meshwork/store-sqlite';\nawait openSqlite({ file: 'hub.db' });\n"])).toContain(
      "'file' does not exist",
    );
  });

  it('are read by every Node the packages promise to run on: Node 22 has no `using`', () => {
    expect(snippets.filter(({ code }) => /^\s*(await\s+)?using\s/m.test(code)).map(({ name }) => name)).toEqual([]);
  });
});
