import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withFileLock } from '../src/login/file-lock.ts';
import { inFolder } from './program.ts';

describe('work under a lock', () => {
  it('is done by one at a time, and leaves nothing behind', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'lock');
      let [running, most] = [0, 0];
      const work = async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
      };
      await Promise.all(Array.from({ length: 8 }, () => withFileLock(file, work)));
      expect([most, await readdir(folder)]).toEqual([1, []]);
    }));

  it('goes on after a process that ended without giving it back, and one at a time still', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'lock');
      await writeFile(file, '');
      await utimes(file, 0, 0);
      let [running, most] = [0, 0];
      const work = async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 30));
        running -= 1;
      };
      await Promise.all(Array.from({ length: 6 }, () => withFileLock(file, work)));
      expect([most, await readdir(folder)]).toEqual([1, []]);
    }));

  it('gives up after a while when the lock is held', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'lock');
      await writeFile(file, '');
      await expect(withFileLock(file, async () => {}, { patienceMs: 60 })).rejects.toMatchObject({ code: 'BUSY', message: expect.stringContaining(file) });
    }));
});
