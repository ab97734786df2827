import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startIssuer } from './issuer.ts';
import { inFolder, meshwork, runHub } from './program.ts';

describe('a hub that takes tokens of an authorization server', () => {
  it(
    'lets its clients do what their scopes and the policies allow, beside the holders of keys',
    () =>
      inFolder(async (folder) => {
        await using issuer = await startIssuer();
        const config = join(folder, 'hub.yaml');
        const oauth = {
          resource: 'https://hub.example/mcp',
          issuers: [{ issuer: issuer.issuer, agents: { worker: 'data_analyst' }, onlyNamed: true }],
          allowPrivateHosts: ['127.0.0.1'],
        };
        await writeFile(config, JSON.stringify({ oauth }));
        const hub = await runHub(join(folder, 'data'), ['--config', config]);
        const using = (key: string) => ({ MESHWORK_SERVER: hub.url, MESHWORK_KEY: key });
        const ask = (key: string) =>
          meshwork(['request-permission', '--agent', 'data_analyst', '--resource', 'SAP_API', '--justification', 'Q4', '--json'], using(key));
        expect((await meshwork(['agent', 'add', 'data_analyst', '--json'], using(hub.adminKey))).code).toBe(0);
        expect(await ask(await issuer.sign('worker', 'mcp:write'))).toMatchObject({ code: 0, json: { granted: true } });
        for (const refused of [
          await issuer.sign('worker', 'mcp:read'),
          await issuer.sign('stranger', 'mcp:write'),
          await issuer.sign('worker', 'mcp:write', 'https://other.example/mcp'),
        ])
          expect((await ask(refused)).code).toBe(1);
        const metadata = await fetch(new URL('/.well-known/oauth-protected-resource', hub.url));
        expect(await metadata.json()).toMatchObject({ resource: oauth.resource, authorization_servers: [issuer.issuer] });
        expect(await hub.stop()).toBe(0);
      }),
    60_000,
  );

  it.each([
    ['a shared secret', { resource: 'https://hub.example/mcp', issuers: [{ issuer: 'https://idp.example', algorithms: ['HS256'] }] }, 'algorithms'],
    [
      'a network that is none',
      { resource: 'https://hub.example/mcp', issuers: [{ issuer: 'https://idp.example' }], allowPrivateHosts: ['10.0.0.0/99'] },
      '10.0.0.0/99',
    ],
    [
      'one issuer twice',
      { resource: 'https://hub.example/mcp', issuers: [{ issuer: 'https://idp.example' }, { issuer: 'https://idp.example' }] },
      'two issuers',
    ],
  ])('is not started with %s', (_, oauth, named) =>
    inFolder(async (folder) => {
      const config = join(folder, 'hub.yaml');
      await writeFile(config, JSON.stringify({ oauth }));
      const ended = await meshwork(['up', '--port', '0', '--data', join(folder, 'data'), '--config', config]);
      expect([ended.code, ended.err]).toEqual([2, expect.stringContaining(named)]);
    }),
  );
});
