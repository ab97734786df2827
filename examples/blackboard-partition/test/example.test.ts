import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('runs as its README says', async () => {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@meshwork/source', main]);
  expect(stdout).toContain('(+1 beside it)');
  expect(stdout).toContain('Nothing was lost, and all three hold the same.');
}, 60_000);
