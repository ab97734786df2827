import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mainFile } from './main-file.ts';

/** A certificate for 127.0.0.1 and its key, in PEM, as `meshwork certs` makes them. */
export async function trialCertificates(): Promise<{ readonly cert: string; readonly key: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'meshwork-overload-'));
  try {
    const certs = (...args: readonly string[]) =>
      promisify(execFile)(process.execPath, ['--conditions=@meshwork/source', mainFile, 'certs', ...args, '--dir', dir]);
    await certs('init');
    await certs('server', '--host', '127.0.0.1');
    return { cert: await readFile(join(dir, 'server.crt'), 'utf8'), key: await readFile(join(dir, 'server.key'), 'utf8') };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
