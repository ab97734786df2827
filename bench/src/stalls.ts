import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Stalls } from '../../tests/doors/src/measure-stalls.ts';

/** How long the hostile requests of `tests/doors` keep a hub from everything else, at the longest, beside as many harmless ones. */
export async function measureStalls(): Promise<Stalls> {
  const program = fileURLToPath(new URL('../../tests/doors/src/measure-stalls.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@meshwork/source', program]);
  return JSON.parse(stdout) as Stalls;
}
