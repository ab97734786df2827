import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryStore } from '@meshwork/core';
import { watchCertificates } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { createAuthority, type Issued } from '../../../packages/transports/test/authority.ts';
import { countOutcomes, OUTAGE_MS, pause, slowest, startLoad } from '../src/load.ts';
import { LATEST_MS, openOutageWorld } from '../src/outage-world.ts';
import { overTls } from '../src/tls-callers.ts';

const DAY_MS = 86_400_000;
const AGENTS = 'urn:meshwork:agent:';
/** Enough to make keys, open connections and let each caller succeed before anything expires. */
const HEAD_START_MS = 10_000;

const authority = await createAuthority();
const agentCertificate = (agent: string, untilDays = 1) => authority.issue({ names: [{ type: 'url', value: AGENTS + agent }], use: 'client', untilDays });

/** The files of a server's certificate, replaced as renewals do. */
async function certificateFiles(first: Issued) {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-outage-'));
  const paths = { certFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key'), caFile: join(folder, 'clients.crt') };
  const put = async (path: string, text: string) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  const write = async ({ cert, key }: Issued) => {
    await put(paths.certFile, cert);
    // Between the two the files do not fit, and are looked at all the same.
    await pause(100);
    await put(paths.keyFile, key);
  };
  await put(paths.caFile, authority.ca);
  await write(first);
  return { paths, write, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

describe('certificates that expire under load', () => {
  it("the server's is replaced on disk: open connections never notice, new ones are refused by their clients until it is, and then go through", async () => {
    const expiresAt = Date.now() + HEAD_START_MS;
    const [short, long] = await Promise.all([authority.issue({ untilDays: HEAD_START_MS / DAY_MS }), authority.issue()]);
    await using files = await certificateFiles(short);
    using source = await watchCertificates({
      ...files.paths,
      repeat(look) {
        const timer = setInterval(look, 50);
        return () => clearInterval(timer);
      },
    });
    await using world = await openOutageWorld(createMemoryStore(), { tls: { source, requestClientCertificate: 'optional' } }, AGENTS);
    const callers = await Promise.all(
      Array.from({ length: 32 }, async (_, index) => {
        const keepsConnection = index >= 4;
        const name = `${keepsConnection ? 'kept' : 'fresh'}-${index}`;
        await world.guard.agents.add({ name });
        const certificate = await agentCertificate(name);
        return overTls({ name, url: world.server.url, ca: authority.ca, shown: () => certificate, keepsConnection });
      }),
    );
    const load = startLoad(callers);
    await load.allWell(HEAD_START_MS);

    const during = await load.during(() => pause(expiresAt - Date.now() + OUTAGE_MS));
    await files.write(long);
    await load.allWell();
    const attempts = await load.stop();

    const fresh = ({ caller }: { readonly caller: string }) => caller.startsWith('fresh');
    expect(countOutcomes(during.filter(fresh))).toMatchObject({ CERT_HAS_EXPIRED: expect.any(Number) });
    expect(Object.keys(countOutcomes(attempts.filter(fresh))).sort()).toEqual(['CERT_HAS_EXPIRED', 'ok']);
    expect(Object.keys(countOutcomes(attempts.filter((attempt) => !fresh(attempt))))).toEqual(['ok']);
    for (const { name, ports, serials, close } of callers) {
      expect([name, name.startsWith('kept') ? ports.size : serials.size]).toEqual([name, name.startsWith('kept') ? 1 : 2]);
      close();
    }
    expect(slowest(attempts)).toBeLessThan(LATEST_MS);
    expect(await world.log.verify()).toMatchObject({ ok: true });
  }, 120_000);

  it("a client's opens nothing from then on, also on a connection it was shown on before, until the client has a new one", async () => {
    const server = await authority.issue();
    const tls = { ...server, ca: authority.ca, requestClientCertificate: 'optional' } as const;
    await using world = await openOutageWorld(createMemoryStore(), { tls }, AGENTS);
    const certificates = new Map<string, Issued>();
    const expiresAt = Date.now() + HEAD_START_MS;
    const untilThen = () => (expiresAt - Date.now()) / DAY_MS;
    const names = Array.from({ length: 32 }, (_, index) => `${index < 4 ? 'fresh' : index < 18 ? 'kept' : 'lasting'}-${index}`);
    for (const name of names) {
      await world.guard.agents.add({ name });
      certificates.set(name, await agentCertificate(name, name.startsWith('lasting') ? 1 : untilThen()));
    }
    const caller = (name: string) =>
      overTls({ name, url: world.server.url, ca: authority.ca, shown: () => certificates.get(name) as Issued, keepsConnection: !name.startsWith('fresh') });
    const callers = names.map(caller);
    const load = startLoad(callers);
    await load.allWell();

    await pause(expiresAt - Date.now() + 1_500);
    const expired = await load.during(() => pause(OUTAGE_MS));
    const attempts = await load.stop();
    for (const [kind, outcomes] of [
      ['fresh', ['401']],
      ['kept', ['401']],
      ['lasting', ['ok']],
    ] as const)
      expect([kind, Object.keys(countOutcomes(expired.filter((attempt) => attempt.caller.startsWith(kind))))]).toEqual([kind, outcomes]);
    for (const { close } of callers) close();

    for (const name of names) certificates.set(name, await agentCertificate(name));
    const renewed = names.map(caller);
    const again = startLoad(renewed);
    await again.allWell();
    const later = await again.stop();
    for (const { close } of renewed) close();
    expect(countOutcomes(later)).toEqual({ ok: later.length });
    expect(slowest([...attempts, ...later])).toBeLessThan(LATEST_MS);
    expect(await world.log.verify()).toMatchObject({ ok: true });
  }, 120_000);
});
