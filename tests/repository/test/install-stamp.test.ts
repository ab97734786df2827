import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { installStamp } from '../../../scripts/install-stamp.mjs';

const root = mkdtempSync(join(tmpdir(), 'stamp-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A repository with these files beside the usual ones. */
function repository(files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(root, 'repository-'));
  const all = { 'package.json': '{}', 'pnpm-lock.yaml': 'lockfileVersion: 9', 'packages/a/package.json': '{"name":"a"}', ...files };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

describe('the stamp of an installation', () => {
  it('stays when files are touched or copied', () => {
    const folder = repository();
    const stamp = installStamp(folder);
    utimesSync(join(folder, 'pnpm-lock.yaml'), 2_000_000_000, 2_000_000_000);
    expect(installStamp(folder)).toBe(stamp);
    expect(installStamp(repository())).toBe(stamp);
    expect(installStamp(repository({ 'packages/a/src/index.ts': 'export {};' }))).toBe(stamp);
  });

  it.each([
    ['the lockfile changes', { 'pnpm-lock.yaml': 'lockfileVersion: 10' }],
    ['the workspace changes', { 'pnpm-workspace.yaml': 'packages: []' }],
    ['a package asks for something else', { 'packages/a/package.json': '{"name":"a","dependencies":{"b":"1"}}' }],
    ['a package comes', { 'examples/new/package.json': '{}' }],
  ])('changes when %s', (_what, files) => {
    expect(installStamp(repository(files as unknown as Record<string, string>))).not.toBe(installStamp(repository()));
  });
});
