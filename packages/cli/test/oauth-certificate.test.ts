import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startIssuer } from './issuer.ts';
import { inFolder, meshwork, runHub } from './program.ts';

describe('T15: a hub that takes certificates and access tokens', () => {
  it(
    'refuses a token of one agent that comes with the certificate of another',
    () =>
      inFolder(async (folder) => {
        await using issuer = await startIssuer();
        const certs = (...args: string[]) => meshwork(['certs', ...args, '--dir', 'certs'], {}, folder);
        await certs('init');
        await certs('server', '--host', '127.0.0.1');
        for (const agent of ['alice', 'bob']) await certs('client', '--agent', agent);
        const file = (name: string) => join(folder, 'certs', name);
        const config = join(folder, 'hub.yaml');
        const oauth = {
          resource: 'https://hub.example/mcp',
          issuers: [{ issuer: issuer.issuer, agents: { a: 'alice', b: 'bob' }, onlyNamed: true }],
          allowPrivateHosts: ['127.0.0.1'],
        };
        await writeFile(config, JSON.stringify({ oauth }));
        const tls = ['--tls-cert', file('server.crt'), '--tls-key', file('server.key'), '--tls-client-ca', file('ca.crt')];
        const hub = await runHub(join(folder, 'data'), ['--config', config, ...tls]);
        const asking = ['--server', hub.url, '--ca', file('ca.crt'), '--json'];
        for (const agent of ['alice', 'bob']) expect((await meshwork(['agent', 'add', agent, ...asking], { MESHWORK_KEY: hub.adminKey }, folder)).code).toBe(0);
        const toolsOf = async (token: string, agent: string) =>
          meshwork(
            ['tools', ...asking, '--data', 'none', '--cert', file(`agent-${agent}.crt`), '--cert-key', file(`agent-${agent}.key`)],
            { MESHWORK_KEY: token },
            folder,
          );
        const token = await issuer.sign('b', 'mcp:write');
        expect(await toolsOf(token, 'bob')).toMatchObject({ code: 0 });
        expect((await toolsOf(token, 'alice')).code).toBe(1);
        const listed = await meshwork(['audit', 'list', '--kind', 'door', ...asking], { MESHWORK_KEY: hub.adminKey }, folder);
        expect(listed.json).toMatchObject({
          records: [{ status: 401, decisions: [expect.objectContaining({ reason: expect.stringContaining('impersonation') })] }],
        });
        expect(await hub.stop()).toBe(0);
      }),
    90_000,
  );
});
