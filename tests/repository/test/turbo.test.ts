import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The files a task's result depends on, as turbo sees it. */
async function inputsOf(task: string, name: string): Promise<string[]> {
  const turbo = join(root, 'node_modules', '.bin', 'turbo');
  const { stdout } = await promisify(execFile)(turbo, ['run', task, `--filter=${name}`, '--dry=json'], { cwd: root, maxBuffer: 1e8 });
  const { tasks } = JSON.parse(stdout) as { tasks: { taskId: string; inputs: Record<string, string> }[] };
  return Object.keys(tasks.find(({ taskId }) => taskId === `${name}#${task}`)?.inputs ?? {});
}

it('checks types anew when the options of the compiler change', async () => {
  const shared = ['../../tsconfig.base.json', '../../tsup.shared.ts', '../../vitest.shared.ts'];
  expect(await inputsOf('typecheck', '@meshwork/core')).toEqual(expect.arrayContaining([...shared, 'src/index.ts', 'test/hub.test.ts', 'tsconfig.json']));
});

it('checks the types of these tests anew when a script they import changes', async () => {
  expect(await inputsOf('typecheck', '@meshwork/repository-tests')).toEqual(
    expect.arrayContaining(['../../tsconfig.base.json', '../../scripts/check-boundaries.ts', 'test/turbo.test.ts']),
  );
});
