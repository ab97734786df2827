import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inFolder } from './program.ts';

const program = fileURLToPath(new URL('../bin/meshwork.js', import.meta.url));
const isBuilt = existsSync(fileURLToPath(new URL('../dist/main.js', import.meta.url)));

describe.skipIf(!isBuilt)('the built program', () => {
  it(
    'starts, answers its own doctor, and stops',
    () =>
      inFolder(async (folder) => {
        const data = join(folder, 'data');
        const hub = spawn(process.execPath, [program, 'up', '--port', '0', '--data', data, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
        const { value } = await createInterface({ input: hub.stdout })[Symbol.asyncIterator]().next();
        const { url } = JSON.parse(String(value)) as { url: string };
        const doctor = spawn(process.execPath, [program, 'doctor', '--json', '--server', url, '--data', data], { stdio: ['ignore', 'pipe', 'inherit'] });
        let out = '';
        doctor.stdout.on('data', (chunk) => {
          out += chunk;
        });
        expect(await new Promise((resolve) => doctor.once('close', resolve))).toBe(0);
        expect(JSON.parse(out)).toMatchObject({ ok: true });
        hub.kill('SIGINT');
        expect(await new Promise((resolve) => hub.once('close', resolve))).toBe(0);
      }),
    60_000,
  );
});
