// Runs on any Node from 20.19 with npm and nothing else: it brings the rest.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installStamp } from './install-stamp.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));

const bin = join(root, 'node_modules', '.bin');
/** What the last installation that went well was for. */
const stampFile = join(root, 'node_modules', '.meshwork-installed');

/** The environment in which the repository's own tools come first, Node 24 among them. */
export const toolEnv = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}`, TURBO_TELEMETRY_DISABLED: '1' };

/** The repository's own Node. */
export const node = join(bin, 'node');

/** Runs a command of the repository; ends the process with its exit code when it fails. */
export function must(what, command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, env: toolEnv, stdio: 'inherit', ...options });
  if (status === 0) return;
  console.error(`\n${what} failed${error === undefined ? '' : `: ${error.message}`}.`);
  process.exit(status ?? 1);
}

/** Installs what the lockfile names, unless that is what is there. */
export function install() {
  if (isInstalled()) return;
  console.error('Installing (once; needs the network) ...');
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { status } = spawnSync('npx', ['--yes', packageManager, 'install', '--frozen-lockfile', '--prefer-offline', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status === 0) {
    writeFileSync(stampFile, installStamp(root));
    return;
  }
  console.error('\nThe installation failed. Check that the npm registry can be reached, then run the same command again.');
  process.exit(status ?? 1);
}

function isInstalled() {
  return existsSync(node) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === installStamp(root);
}

/** Builds what has changed; turbo knows what that is. Its words are shown when it fails. */
export function build() {
  console.error('Building ...');
  const { status, stdout, stderr } = spawnSync(join(bin, 'turbo'), ['run', 'build', '--output-logs=errors-only'], {
    cwd: root,
    env: toolEnv,
    encoding: 'utf8',
  });
  if (status === 0) return;
  console.error(`${stdout}${stderr}\nThe build failed.`);
  process.exit(status ?? 1);
}
