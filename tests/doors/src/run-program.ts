import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs one of this folder's programs to its end; returns what it wrote to standard output. */
export function runProgram(file: string, ...args: readonly string[]): Promise<string> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--conditions=@meshwork/source', path, ...args], { timeout: 120_000 }, (error, out, err) =>
      error === null ? resolve(out) : reject(new Error(`${error.message}\n${err}`)),
    );
  });
}
