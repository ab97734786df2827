import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MeshworkError } from '@meshwork/core';
import { describe, expect, it } from 'vitest';

const packagesFolder = fileURLToPath(new URL('../../../packages', import.meta.url));
const packages = readdirSync(packagesFolder).map((name) => ({
  folder: join(packagesFolder, name),
  manifest: JSON.parse(readFileSync(join(packagesFolder, name, 'package.json'), 'utf8')),
}));
const entries = packages.flatMap(({ manifest }) =>
  Object.keys(manifest.exports)
    .filter((path) => !path.endsWith('.json'))
    .map((path) => `${manifest.name}${path.slice(1)}`),
);

describe('what packages export', () => {
  it.each(entries)('%s is what was agreed on', async (entry) => {
    expect(Object.keys(await import(entry)).sort()).toMatchSnapshot();
  });

  it.each(entries)('%s brands its errors', async (entry) => {
    const exported: [string, unknown][] = Object.entries(await import(entry));
    for (const [name, value] of exported) {
      if (!name.endsWith('Error') || typeof value !== 'function') continue;
      expect(value === MeshworkError || value.prototype instanceof MeshworkError, `${name} extends MeshworkError`).toBe(true);
    }
  });
});

describe.each(packages.map(({ manifest, folder }) => [manifest.name as string, manifest, folder] as const))('the package %s', (_name, manifest, folder) => {
  it('says what it is, for whom, and under which licence', () => {
    expect(manifest).toMatchObject({
      type: 'module',
      license: 'MIT',
      sideEffects: false,
      engines: { node: '>=22.18' },
      description: expect.stringMatching(/.{20}/),
    });
    for (const file of ['README.md', 'LICENSE']) expect(existsSync(join(folder, file)), file).toBe(true);
  });

  it('shows its sources to this repository only, and its types to everybody', () => {
    for (const [path, target] of Object.entries(manifest.exports)) {
      if (path.endsWith('.json')) continue;
      expect(Object.keys(target as object)).toEqual(['@meshwork/source', 'types', 'default']);
    }
  });

  it('pins no neighbour exactly', () => {
    for (const [name, range] of Object.entries<string>(manifest.dependencies ?? {})) if (name.startsWith('@meshwork/')) expect(range).toBe('workspace:^');
  });
});

describe('the program in the MCP registry', () => {
  const { manifest, folder } = packages.find(({ manifest: { name } }) => name === 'meshwork')!;
  const server = JSON.parse(readFileSync(join(folder, 'server.json'), 'utf8'));

  it('has one name and one version everywhere', () => {
    expect(server.name).toBe(manifest.mcpName);
    expect(server.name).toMatch(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/);
    expect([server.version, server.packages[0].version]).toEqual([manifest.version, manifest.version]);
    expect(server.packages[0]).toMatchObject({ registryType: 'npm', identifier: manifest.name, transport: { type: 'stdio' } });
    expect(server.description.length).toBeLessThanOrEqual(100);
  });
});
