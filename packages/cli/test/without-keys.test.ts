import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../src/index.ts';
import { inFolder, meshwork, runHub } from './program.ts';

const withoutAuth = { REQUIRE_AUTH: 'false' };

describe('a hub that asks for no key', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1', '127.0.0.2', 'example.org', 'localhost.example.org', '127.0.0.1.example.org', ''])(
    'does not start on %j',
    async (host) => {
      await inFolder(async (data) => {
        const folder = join(data, 'hub');
        const { code, out, err } = await meshwork(['up', '--host', host, '--port', '0', '--data', folder], withoutAuth);
        expect([code, out]).toEqual([exitCodes.usage, '']);
        expect(err).toMatch(/without keys a hub listens on this machine only.*REQUIRE_AUTH.*--insecure/);
        expect(existsSync(folder)).toBe(false);
      });
    },
  );

  it('does not start elsewhere when a configuration file says so either', async () => {
    await inFolder(async (data) => {
      const config = join(data, 'meshwork.yaml');
      await writeFile(config, 'requireAuth: false\nhost: 0.0.0.0\n');
      const { code, err } = await meshwork(['up', '--config', config, '--port', '0', '--data', join(data, 'hub')]);
      expect(code).toBe(exitCodes.usage);
      expect(err).toContain('--insecure');
    });
  });

  it('lets this machine in without a key, and nobody with a wrong one', async () => {
    await inFolder(async (data) => {
      const hub = await runHub(data, [], withoutAuth);
      const tools = (headers = {}) => fetch(`${hub.url}/tools`, { headers });
      expect((await tools()).status).toBe(200);
      expect((await tools({ authorization: 'Bearer wrong' })).status).toBe(401);
      expect((await tools({ authorization: `Bearer ${hub.adminKey}` })).status).toBe(200);
      expect(await hub.stop()).toBe(0);
    });
  });

  const address = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

  it.skipIf(address === undefined)('answers others 401, never an empty list, even where it is told to listen', async () => {
    await inFolder(async (data) => {
      const hub = await runHub(data, ['--host', '0.0.0.0', '--insecure'], withoutAuth);
      const { port } = new URL(hub.url);
      for (const path of ['/mcp/tools', '/mcp/resources', '/mcp/prompts', '/openapi.json', '/sse'])
        expect([path, (await fetch(`http://${address}:${port}${path}`)).status]).toEqual([path, 401]);
      expect((await fetch(`http://127.0.0.1:${port}/mcp/tools`)).status).toBe(401);
      expect(await hub.stop()).toBe(0);
    });
  });
});

describe('a hub that asks for keys', () => {
  it('asks this machine too, and answers 401 without one', async () => {
    await inFolder(async (data) => {
      const hub = await runHub(data);
      for (const path of ['/tools', '/resources', '/prompts']) expect([path, (await fetch(`${hub.url}${path}`)).status]).toEqual([path, 401]);
      expect(await hub.stop()).toBe(0);
    });
  });
});
