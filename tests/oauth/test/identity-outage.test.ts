import { importJWK, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { countOutcomes, type LoadCaller, OUTAGE_MS, pause, slowest, startLoad } from '../../doors/src/load.ts';
import { freePort, type ProtectedHub, serveProtectedHub } from '../src/hub.ts';
import { type AuthorizationServer, startProvider } from '../src/provider.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

/** What the hub waits for its issuer, the door for the authenticator, and a generous margin. */
const LATEST_MS = 5_000 + 2_000 + 5_000;
const ADMISSION_MS = 2_000;

async function world(): Promise<{ provider: AuthorizationServer; hub: ProtectedHub }> {
  const port = await freePort();
  const provider = await startProvider(`http://127.0.0.1:${port}/mcp`);
  open.push(provider);
  const hub = await serveProtectedHub({ port, issuer: provider.issuer, serve: { admissionMs: ADMISSION_MS } });
  open.push(hub);
  return { provider, hub };
}

/** Reads, and every other time writes, over REST with whatever token it has then. */
function caller(name: string, { url }: ProtectedHub, token: () => string): LoadCaller {
  let calls = 0;
  return {
    name,
    async call() {
      calls += 1;
      const tool = calls % 2 === 0 ? 'do_read' : 'do_write';
      const headers = { authorization: `Bearer ${token()}`, 'content-type': 'application/json' };
      const response = await fetch(`${url}/tools/${tool}`, { method: 'POST', headers, body: '{}' });
      await response.text();
      return response.status === 200 ? 'ok' : String(response.status);
    },
  };
}
const callers = (kind: string, count: number, hub: ProtectedHub, token: () => string) =>
  Array.from({ length: count }, (_, index) => caller(`${kind}-${index}`, hub, token));

/** A token of the provider that nobody has seen yet, made with its key: so that there are new ones while it is away. */
async function tokenMaker({ provider, hub }: { provider: AuthorizationServer; hub: ProtectedHub }) {
  const jwk = provider.signingKey();
  const key = await importJWK(jwk, 'EdDSA');
  return () =>
    new SignJWT({ client_id: 'worker', scope: 'mcp:read mcp:write', jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: jwk.kid ?? '' })
      .setIssuer(provider.issuer)
      .setSubject('worker')
      .setAudience(hub.url)
      .setIssuedAt()
      .setExpirationTime('300s')
      .sign(key);
}

describe('an identity provider that rotates its signing keys under load', () => {
  it('keeps nobody out, with tokens of the old key or of the new', async () => {
    const { provider, hub } = await world();
    const old = await provider.token('mcp:read mcp:write');
    let latest = old;
    const load = startLoad([...callers('old', 16, hub, () => old), ...callers('latest', 16, hub, () => latest)]);
    await load.allWell();
    for (let round = 0; round < 2; round += 1) {
      // The issuer is asked for keys it may have made meanwhile every thirty seconds at most.
      hub.clock.advance(30_000);
      await provider.rotate();
      latest = await provider.token('mcp:read mcp:write');
      await pause(OUTAGE_MS / 2);
    }
    await load.allWell();
    const attempts = await load.stop();
    expect(countOutcomes(attempts)).toEqual({ ok: attempts.length });
    expect(provider.asked.filter((path) => path === '/jwks').length).toBe(3);
    expect(slowest(attempts)).toBeLessThan(LATEST_MS);
  }, 60_000);
});

describe('an identity provider that goes away under load', () => {
  it.each(['refuses', 'hangs'] as const)(
    'and %s: tokens of known keys open as ever, others are told in time, and open by themselves when it is back',
    async (outage) => {
      const { provider, hub } = await world();
      const seen = await provider.token('mcp:read mcp:write');
      const unseen = await tokenMaker({ provider, hub });
      let fresh = await unseen();
      let rotated = seen;
      const load = startLoad([
        ...callers('seen', 12, hub, () => seen),
        ...callers('fresh', 8, hub, () => fresh),
        ...callers('rotated', 12, hub, () => rotated),
      ]);
      await load.allWell();

      await provider.rotate();
      const next = await provider.token('mcp:read mcp:write');
      if (outage === 'refuses') await provider.stop();
      else provider.hang();
      hub.clock.advance(30_000);
      rotated = next;
      const tokens = setInterval(async () => {
        fresh = await unseen();
      }, 50);
      // Longer than the door waits, so that whoever has to wait is told.
      await pause(OUTAGE_MS + ADMISSION_MS);
      clearInterval(tokens);

      if (outage === 'hangs') await provider.stop();
      await provider.start();
      hub.clock.advance(5_000);
      await load.allWell();
      const attempts = await load.stop();
      for (const [kind, outcomes] of [
        ['seen', ['ok']],
        ['fresh', ['ok']],
        ['rotated', ['503', 'ok']],
      ] as const)
        expect([kind, Object.keys(countOutcomes(attempts.filter((attempt) => attempt.caller.startsWith(kind)))).sort()]).toEqual([kind, outcomes]);
      expect(slowest(attempts)).toBeLessThan(LATEST_MS);
    },
    60_000,
  );
});
