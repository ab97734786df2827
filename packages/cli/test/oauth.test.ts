import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { inFolder, meshwork, runHub } from './program.ts';

/** Keys and metadata as an authorization server publishes them, and a way to sign what it would. */
async function startIssuer() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
  const server = createServer((request, response) => {
    const documents: Record<string, object> = {
      '/.well-known/oauth-authorization-server': { issuer, jwks_uri: `${issuer}/jwks` },
      '/jwks': { keys: [jwk] },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    sign: (sub: string, scope: string, aud = 'https://hub.example/mcp') =>
      new SignJWT({ client_id: sub, scope })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' })
        .setIssuer(issuer)
        .setSubject(sub)
        .setAudience(aud)
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

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
