import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTls } from 'node:tls';
import { promisify } from 'node:util';
import { type Io, runCli } from 'meshwork';
import { describe, expect, it, vi } from 'vitest';
import { inFolder } from './program.ts';

function kept(seen: { out: string; err: string }): Pick<Io, 'out' | 'err'> {
  return {
    out(text) {
      seen.out += text;
    },
    err(text) {
      seen.err += text;
    },
  };
}

/** Runs a command in this process. */
async function run(cwd: string, args: readonly string[], env: Record<string, string> = {}) {
  const seen = { out: '', err: '' };
  const io: Io = { ...kept(seen), env, cwd, onStop: () => () => {} };
  const code = await runCli(args, io);
  return { code, ...seen };
}

/** Runs `up` in this process, and `work` once it takes calls. */
async function up(cwd: string, args: readonly string[], work: (url: string, log: () => string) => Promise<void>, env: Record<string, string> = {}) {
  let stop = () => {};
  let working: Promise<void> | undefined;
  const seen = { out: '', err: '' };
  const io: Io = {
    out(text) {
      seen.out += text;
      if (text.startsWith('{"url"')) working = work((JSON.parse(text) as { url: string }).url, () => seen.err).finally(() => stop());
      working?.catch(() => {}); // It is awaited once the program has ended.
    },
    err: kept(seen).err,
    env,
    cwd,
    onStop(listener) {
      stop = listener;
      return () => {};
    },
  };
  const code = await runCli(['up', '--json', '--port', '0', ...args], io);
  await working;
  return { code, ...seen };
}

/** A folder with an authority, a certificate of 127.0.0.1, and one of an agent. */
const trial = (work: (folder: string) => Promise<void>, agents: readonly string[] = ['a']) =>
  inFolder(async (folder) => {
    expect((await run(folder, ['certs', 'init', '--dir', 'certs'])).code).toBe(0);
    expect((await run(folder, ['certs', 'server', '--dir', 'certs', '--host', '127.0.0.1', 'hub.example.org'])).code).toBe(0);
    for (const agent of agents) expect((await run(folder, ['certs', 'client', '--dir', 'certs', '--agent', agent])).code).toBe(0);
    await work(folder);
  });
const server = ['--tls-cert', 'certs/server.crt', '--tls-key', 'certs/server.key'];
const ca = ['--ca', 'certs/ca.crt'];

async function doctor(folder: string, args: readonly string[], env: Record<string, string> = {}): Promise<Record<string, string>> {
  const { out } = await run(folder, ['doctor', '--json', ...args], env);
  const { findings } = JSON.parse(out) as { findings: { check: string; state: string; detail: string }[] };
  return Object.fromEntries(findings.map(({ check, state, detail }) => [check, `${state}: ${detail}`]));
}

describe('meshwork certs', () => {
  it('makes certificates that openssl takes for what they are', () =>
    trial(async (folder) => {
      const certs = join(folder, 'certs');
      const openssl = async (...args: string[]) => (await promisify(execFile)('openssl', args, { cwd: certs })).stdout;
      expect(await openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-verify_ip', '127.0.0.1', '-CAfile', 'ca.crt', 'server.crt')).toMatch(/OK/);
      expect(
        await openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'hub.example.org', '-CAfile', 'ca.crt', 'server.crt'),
      ).toMatch(/OK/);
      expect(await openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', 'ca.crt', 'agent-a.crt')).toMatch(/OK/);
      await expect(openssl('verify', '-purpose', 'sslserver', '-CAfile', 'ca.crt', 'agent-a.crt')).rejects.toThrow();
      const agent = new X509Certificate(await readFile(join(certs, 'agent-a.crt')));
      expect(agent.subjectAltName).toBe('URI:urn:meshwork:agent:a');
      expect(agent.ca).toBe(false);
    }));

  it('keeps them from others, and replaces none unless it is told to', () =>
    trial(async (folder) => {
      for (const name of ['ca.crt', 'ca.key', 'server.crt', 'server.key', 'agent-a.crt', 'agent-a.key']) {
        const file = join(folder, 'certs', name);
        expect((await stat(file)).mode & 0o777).toBe(0o600);
      }
      const before = await readFile(join(folder, 'certs/ca.key'), 'utf8');
      for (const args of [['init'], ['server', '--host', '127.0.0.1'], ['client', '--agent', 'a']]) {
        const { code, err } = await run(folder, ['certs', ...args, '--dir', 'certs']);
        expect([code, err]).toEqual([2, expect.stringMatching(/is there already; add --force/)]);
      }
      expect(await readFile(join(folder, 'certs/ca.key'), 'utf8')).toBe(before);
      expect((await run(folder, ['certs', 'init', '--dir', 'certs', '--force'])).code).toBe(0);
      expect(await readFile(join(folder, 'certs/ca.key'), 'utf8')).not.toBe(before);
    }));

  it.each([
    [['server', '--host', 'hub.example.org:443'], /no host name and no address/],
    [['server', '--host', 'a b'], /no host name and no address/],
    [['client', '--agent', 'A'], /must be 1 to 64/],
    [['client', '--agent', '../a'], /must be 1 to 64/],
    [['client', '--agent', 'b', '--days', '0'], /--days must be/],
    [['client', '--agent', 'b', '--dir', 'elsewhere'], /there is no authority/],
  ])('refuses %j', (args, words) =>
    trial(async (folder) => {
      const { code, err } = await run(folder, ['certs', ...args, ...(args.includes('--dir') ? [] : ['--dir', 'certs'])]);
      expect([code, err]).toEqual([2, expect.stringMatching(words)]);
    }, []),
  );
});

describe('meshwork up with TLS', () => {
  it('serves https to callers who trust its authority', () =>
    trial(async (folder) => {
      await up(folder, server, async (url) => {
        expect(url).toMatch(/^https:/);
        const added = await run(folder, ['agent', 'add', 'a', '--server', url, ...ca]);
        expect([added.code, added.out]).toEqual([0, expect.stringContaining('mk_')]);
        expect(await doctor(folder, ['--server', url, ...ca])).toMatchObject({
          connection: expect.stringMatching(/^ok: open, TLSv1.3; the certificate is good for (89|90) days/),
          server: expect.stringMatching(/^ok/),
        });
      });
    }));

  it('takes an agent by its certificate, and nobody’s key for another’s', () =>
    trial(
      async (folder) => {
        const { err } = await up(folder, [...server, '--tls-client-ca', 'certs/ca.crt'], async (url) => {
          const add = async (name: string) => JSON.parse((await run(folder, ['agent', 'add', name, '--json', '--server', url, ...ca])).out) as { key: string };
          await add('a');
          const { key } = await add('b');
          const as = (agent: string, more: string[] = []) => [
            '--server',
            url,
            ...ca,
            '--cert',
            `certs/agent-${agent}.crt`,
            '--cert-key',
            `certs/agent-${agent}.key`,
            ...more,
          ];
          // No key: the data folder is another's.
          const ask = ['request-permission', '--agent', 'a', '--resource', 'SAP_API', '--justification', 'the figures of the quarter', '--data', 'none'];
          expect((await run(folder, [...ask, ...as('a')])).code).toBe(0);
          expect((await run(folder, ['tools', ...as('elsewhere', ['--data', 'none'])])).code).toBe(1);
          expect((await run(folder, ['tools', ...as('a', ['--data', 'none', '--key', key])])).code).toBe(1);
          expect((await run(folder, ['tools', ...as('a')])).code).toBe(1);
        });
        expect(err.match(/impersonation/g)?.length).toBeGreaterThanOrEqual(2);
      },
      ['a', 'elsewhere'],
    ));

  it('takes rules for names of one’s own, which a file holds', () =>
    trial(async (folder) => {
      const file = {
        tls: { cert: 'certs/server.crt', key: 'certs/server.key', clientCa: 'certs/ca.crt', clientCertificates: 'required' },
        guardian: { certificates: [{ name: 'URI:urn:meshwork:agent:a', admin: true }] },
      };
      await writeFile(join(folder, 'hub.json'), JSON.stringify(file));
      await up(folder, ['--config', 'hub.json'], async (url) => {
        const shown = ['--cert', 'certs/agent-a.crt', '--cert-key', 'certs/agent-a.key'];
        expect(await run(folder, ['agent', 'list', '--json', '--server', url, ...ca, ...shown, '--data', 'none'])).toMatchObject({ code: 0 });
        expect(Object.values(await doctor(folder, ['--server', url, ...ca])).join('\n')).toMatch(/fail: .*takes only clients with a certificate/);
      });
    }));

  it('refuses to start with half of what TLS needs, or with certificates that do not fit', () =>
    trial(async (folder) => {
      await copyFile(join(folder, 'certs/ca.key'), join(folder, 'other.key'));
      await writeFile(join(folder, 'hub.yaml'), 'tls: { cert: certs/server.crt, key: certs/server.key, clientCertificates: required }\n');
      for (const [args, words] of [
        [['--tls-cert', 'certs/server.crt'], /pass both --tls-cert and --tls-key/],
        [['--tls-client-ca', 'certs/ca.crt'], /pass both --tls-cert and --tls-key/],
        [['--tls-cert', 'certs/server.crt', '--tls-key', 'other.key'], /is not that of the certificate/],
        [['--tls-cert', 'missing.crt', '--tls-key', 'other.key'], /cannot be read/],
        [['--config', 'hub.yaml'], /that nobody vouches for/],
      ] as const) {
        const { code, out } = await up(folder, args, async () => expect.unreachable());
        expect([code, out]).toEqual([2, expect.stringMatching(words)]);
      }
    }));

  it('warns of plain text where others can listen, and says what to do', () =>
    inFolder(async (folder) => {
      const { err } = await up(folder, ['--host', '0.0.0.0'], async () => {});
      expect(err).toMatch(/can be read on the way: pass --tls-cert and --tls-key .* name it in trustedProxies/);
      await trial(async (withCerts) => expect((await up(withCerts, ['--host', '0.0.0.0', ...server], async () => {})).err).not.toMatch(/on the way/), []);
    }));
});

describe('a hub without keys', () => {
  const noKeys = { REQUIRE_AUTH: 'false' };
  const agents = async (url: string, headers: Record<string, string> = {}) =>
    (await fetch(`${url}/tools/agent_list`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: '{}' })).status;

  it('takes nobody who comes through a proxy for somebody of this machine', () =>
    inFolder(async (folder) => {
      await up(
        folder,
        [],
        async (url) => {
          expect(await agents(url)).toBe(200);
          for (const headers of [{ 'x-forwarded-for': '127.0.0.1' }, { forwarded: 'for=127.0.0.1' }, { via: '1.1 proxy' }, { 'x-real-ip': '127.0.0.1' }])
            expect(await agents(url, headers as Record<string, string>)).toBe(401);
        },
        noKeys,
      );
      await writeFile(join(folder, 'hub.yaml'), 'trustedProxies: [127.0.0.1]\n');
      const behind = async (url: string) => {
        expect(await agents(url)).toBe(401);
        expect(await agents(url, { 'x-forwarded-for': '127.0.0.1' })).toBe(401);
      };
      await up(folder, ['--config', 'hub.yaml'], behind, noKeys);
    }));

  it('makes nobody an admin when others can reach it, on whatever address they come', () =>
    inFolder(async (folder) => {
      const { err } = await up(folder, ['--host', '0.0.0.0', '--insecure'], async (url) => expect(await agents(url)).toBe(401), noKeys);
      expect(err).toMatch(/whoever has none is nobody/);
    }));
});

describe('meshwork doctor', () => {
  it('says why there is no connection', () =>
    trial(async (folder) => {
      const connection = async (url: string, args: string[] = []) => (await doctor(folder, ['--server', url, ...args])).connection;
      const closed = await listening(() => {});
      const { port } = closed.address() as { port: number };
      await new Promise((resolve) => closed.close(resolve));
      expect(await connection(`http://127.0.0.1:${port}`)).toMatch(/^fail: nothing listens at 127.0.0.1/);
      expect(await connection('http://does-not-exist.invalid:3001')).toMatch(/^fail: the name does-not-exist.invalid has no address/);
      await up(folder, server, async (url) => {
        expect(await connection(url)).toMatch(/^fail: .*an authority this machine does not know; pass its certificate with --ca/);
        expect(await connection(url.replace('127.0.0.1', 'localhost'), ca)).toMatch(/^fail: .*is for other names \(.*hub\.example\.org.*\)/);
        expect(await connection(url.replace('https:', 'http:'))).toMatch(/^fail: .*speaks TLS; write https:\/\//);
      });
      await up(folder, [], async (url) => {
        expect(await connection(url.replace('http:', 'https:'))).toMatch(/^fail: .*speaks plain HTTP and no TLS; write http:\/\//);
        expect(await connection(url)).toBe('ok: open, in plain text');
      });
    }));

  it('T10: says that the clock of the hub was set back, and what to do', () =>
    inFolder(async (folder) => {
      const { err } = await up(folder, [], async (url) => {
        expect((await doctor(folder, ['--server', url])).health).toBe('ok: healthy');
        const { now } = Date;
        const setBack = vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
        const found = await doctor(folder, ['--server', url]).finally(() => setBack.mockRestore());
        expect(found.health).toMatch(/^fail: no grants, sessions or keys are issued: .*set back by 3600 s.*restart the hub/);
      });
      expect(err).toMatch(/clock.*jumped/i);
    }));

  it('says that a certificate has expired', () =>
    trial(async (folder) => {
      const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 10 * 86_400_000);
      await run(folder, ['certs', 'server', '--dir', 'certs', '--host', '127.0.0.1', '--days', '1', '--force']).finally(() => now.mockRestore());
      const [cert, key] = await Promise.all(['server.crt', 'server.key'].map((name) => readFile(join(folder, 'certs', name))));
      const tls = createTls({ cert, key });
      await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
      const { port } = tls.address() as { port: number };
      expect((await doctor(folder, ['--server', `https://127.0.0.1:${port}`, ...ca])).connection).toMatch(/^fail: .*has expired/);
      tls.close();
    }, []));

  it('tells no key from a wrong one, and a wrong name from a wrong address', () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'hub.yaml'), 'allowAddresses: [203.0.113.0/24]\ntrustedProxies: [127.0.0.1]\n');
      await up(folder, [], async (url) => {
        expect((await doctor(folder, ['--server', url, '--data', 'none'])).key).toMatch(/^fail: none, and the hub .* needs one/);
        expect((await doctor(folder, ['--server', url, '--key', 'wrong'])).key).toMatch(/^fail: .*does not accept this key/);
      });
      await up(folder, ['--config', 'hub.yaml'], async (url) =>
        expect((await doctor(folder, ['--server', url])).access).toMatch(/^fail: .*takes no calls from this address/),
      );
      await writeFile(join(folder, 'hub.yaml'), 'denyAddresses: [127.0.0.1]\n');
      await up(folder, ['--config', 'hub.yaml'], async (url) =>
        expect((await doctor(folder, ['--server', url])).server).toMatch(
          /^fail: .*closed the connection without a word: it does not take calls from this address/,
        ),
      );
    }));
});

function listening(onConnection: () => void): Promise<Server> {
  const server = createServer(onConnection);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
