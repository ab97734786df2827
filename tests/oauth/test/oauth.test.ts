import { once } from 'node:events';
import { Client, DpopSession, PrivateKeyJwtProvider, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { freePort, type ProtectedHub, type ProtectedHubOptions, serveProtectedHub } from '../src/hub.ts';
import { type AuthorizationServer, privateJwk, startProvider } from '../src/provider.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function world(options: Partial<ProtectedHubOptions> = {}): Promise<{ provider: AuthorizationServer; hub: ProtectedHub }> {
  const port = await freePort();
  const provider = await startProvider(`http://127.0.0.1:${port}/mcp`);
  open.push(provider);
  const hub = await serveProtectedHub({ port, issuer: provider.issuer, ...options });
  open.push(hub);
  return { provider, hub };
}

/** One tool call as a plain client makes it. */
function callTool(url: string, tool: string, headers: Record<string, string>): Promise<Response> {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': tool,
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: {}, _meta } }),
  });
}
const bearing = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a client without a token', () => {
  it('is told where to read about the hub, and reads there whom to ask for a token', async () => {
    const { provider, hub } = await world();
    const refusal = await callTool(hub.url, 'do_read', {});
    expect(refusal.status).toBe(401);
    const metadataUrl = `${new URL(hub.url).origin}/.well-known/oauth-protected-resource/mcp`;
    expect(refusal.headers.get('www-authenticate')).toBe(`Bearer realm="meshwork", resource_metadata="${metadataUrl}", scope="mcp:read"`);
    for (const url of [metadataUrl, metadataUrl.slice(0, -4)]) {
      const answer = await fetch(url, { headers: { origin: 'https://anywhere.example' } });
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
      expect(await answer.json()).toEqual({
        resource: hub.url,
        authorization_servers: [provider.issuer],
        scopes_supported: ['mcp:read', 'mcp:write', 'mcp:admin'],
        bearer_methods_supported: ['header'],
      });
    }
    expect((await fetch(metadataUrl, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${metadataUrl}/more`)).status).toBe(404);
  });

  it('is told so on every face', async () => {
    const { hub } = await world();
    const { origin } = new URL(hub.url);
    for (const path of ['/mcp', '/sse', '/mcp/tools', '/api/tools']) {
      const answer = await fetch(origin + path);
      expect([path, answer.status]).toEqual([path, 401]);
      expect(answer.headers.get('www-authenticate')).toContain(`resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`);
    }
  });

  it('gets nowhere with a token in the query', async () => {
    const { provider, hub } = await world();
    const token = await provider.token('mcp:read');
    for (const name of ['access_token', 'token', 'authorization']) expect((await callTool(`${hub.url}?${name}=${token}`, 'do_read', {})).status).toBe(401);
  });
});

describe('a token of the authorization server', () => {
  it('opens the hub, on MCP and over REST', async () => {
    const { provider, hub } = await world();
    const token = await provider.token('mcp:read');
    const answer = await callTool(hub.url, 'do_read', bearing(token));
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('data_analyst')]);
    const rest = await fetch(`${hub.url}/tools/do_read`, { method: 'POST', headers: { ...bearing(token), 'content-type': 'application/json' }, body: '{}' });
    expect(rest.status).toBe(200);
  });

  it.each([true, false])('of too narrow a scope is answered 403 with the scope to ask for, and the refusal is on record (quick: %s)', async (quickCalls) => {
    const { provider, hub } = await world({ serve: { quickCalls } });
    const answer = await callTool(hub.url, 'do_write', bearing(await provider.token('mcp:read')));
    expect(answer.status).toBe(403);
    const challenge = answer.headers.get('www-authenticate');
    expect(challenge).toContain('Bearer realm="meshwork", error="insufficient_scope", scope="mcp:write"');
    expect(challenge).toContain(`resource_metadata="${new URL(hub.url).origin}/.well-known/oauth-protected-resource/mcp"`);
    expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: 1, error: { data: { code: 'DENIED', scope: 'mcp:write' } } });
    expect(hub.calls.map(({ call, code }) => [call.name, call.principal.id, code])).toEqual([['do_write', 'data_analyst', 'DENIED']]);
  });

  it('of too narrow a scope is told so over REST too, for tools and resources, and no token is when it has the scope', async () => {
    const { provider, hub } = await world();
    const metadata = `resource_metadata="${new URL(hub.url).origin}/.well-known/oauth-protected-resource/mcp"`;
    const [narrow, none] = [await provider.token('mcp:read'), await provider.token('')];
    const json = { 'content-type': 'application/json' };
    const ask = (path: string, token: string, method = 'POST') =>
      fetch(new URL(path, hub.url), { method, headers: { ...bearing(token), ...json }, ...(method === 'POST' && { body: '{}' }) });
    for (const path of ['/mcp/tools/do_write', '/api/tools/do_write']) {
      const answer = await ask(path, narrow);
      expect(answer.status).toBe(403);
      expect(answer.headers.get('www-authenticate')).toContain('Bearer realm="meshwork", error="insufficient_scope", scope="mcp:write"');
      expect(answer.headers.get('www-authenticate')).toContain(metadata);
      expect(await answer.json()).toMatchObject({ code: 'DENIED', policies: ['credential-scopes'], scope: 'write' });
    }
    const page = await ask(`/mcp/resources/${encodeURIComponent('test://page')}`, none, 'GET');
    expect([page.status, page.headers.get('www-authenticate')]).toEqual([403, expect.stringContaining('scope="mcp:read"')]);
    const allowed = await ask('/mcp/tools/do_read', narrow);
    expect([allowed.status, allowed.headers.get('www-authenticate')]).toEqual([200, null]);
  });

  it('of a wide scope may do what is within it', async () => {
    const { provider, hub } = await world();
    const token = await provider.token('mcp:write');
    const statuses = await Promise.all(['do_read', 'do_write', 'do_admin'].map(async (tool) => (await callTool(hub.url, tool, bearing(token))).status));
    expect(statuses).toEqual([200, 200, 403]);
  });

  it('for another resource is refused', async () => {
    const { provider } = await world();
    const { hub: other } = await world();
    expect((await callTool(other.url, 'do_read', bearing(await provider.token('mcp:read')))).status).toBe(401);
  });
});

describe('T02, T03, T04, T05: a forged token', () => {
  it('is answered 401 with a challenge, whichever way it was forged, and reaches no tool', async () => {
    const { provider, hub } = await world();
    const good = await provider.token('mcp:admin');
    const [header = '', payload = '', signature = ''] = good.split('.');
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
    const write = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = read(payload);
    const key = await importJWK(provider.signingKey(), 'EdDSA');
    const evil = await privateJwk('evil');
    const { d: _, ...evilPublic } = evil;
    const signed = (changes: object, headers: object = {}, by: Awaited<ReturnType<typeof importJWK>> = key) =>
      new SignJWT({ ...claims, ...changes }).setProtectedHeader({ ...(read(header) as { alg: string }), ...headers }).sign(by);
    expect((await callTool(hub.url, 'do_read', bearing(await signed({ jti: 'control' })))).status).toBe(200);
    const now = Math.floor(Date.now() / 1_000);
    const forged: Record<string, string> = {
      'no signature': `${write({ ...read(header), alg: 'none' })}.${payload}.`,
      'no signature, with the old one': `${write({ ...read(header), alg: 'none' })}.${payload}.${signature}`,
      'the public key as a secret': await signed({}, { alg: 'HS256' }, Buffer.from(String(provider.signingKey().x), 'base64url')),
      'another audience': await signed({ aud: 'https://other.example/mcp' }),
      'several audiences': await signed({ aud: [hub.url] }),
      'another issuer': await signed({ iss: 'https://evil.example' }),
      'an ID token': await signed({}, { typ: 'JWT' }),
      'no type': await signed({}, { typ: undefined }),
      expired: await signed({ exp: now - 6 }),
      'not yet': await signed({ nbf: now + 3_600 }),
      'another key': await signed({}, {}, await importJWK(evil, 'EdDSA')),
      'a key in the header': await signed({}, { jwk: evilPublic }, await importJWK(evil, 'EdDSA')),
      'a key elsewhere': await signed({}, { jku: `${provider.issuer}/jwks` }),
      'a key id that is a path': await signed({}, { kid: '../../../dev/null' }),
      'a key id nobody has': await signed({}, { kid: 'evil' }, await importJWK(evil, 'EdDSA')),
      'a wider scope': `${header}.${write({ ...claims, scope: 'mcp:admin mcp:root' })}.${signature}`,
      'another spelling': `${header}.${payload}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : String.fromCharCode(signature.charCodeAt(signature.length - 1) + 1)}`,
      padding: `${good}==`,
    };
    for (const [name, token] of Object.entries(forged)) {
      const answer = await callTool(hub.url, 'do_read', bearing(token));
      expect([name, answer.status]).toEqual([name, 401]);
      const challenge = answer.headers.get('www-authenticate');
      expect(challenge).toContain('error="invalid_token"');
      expect(challenge).toContain('resource_metadata="');
      expect(await answer.text()).not.toContain(token);
    }
    expect(hub.calls.length).toBe(1);
    expect(provider.asked.filter((path) => path.startsWith('/jwks')).length).toBe(1);
  });
});

describe('T09: a token bound to a key by DPoP', () => {
  async function bound(dpopNonce = false) {
    const { provider, hub } = await world({ dpopNonce, serve: { webSocket: { reauthenticateMs: 20 } } });
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk: JWK = await exportJWK(publicKey);
    const prove = async (htm: string, htu: string, claims: Record<string, unknown> = {}) =>
      new SignJWT({ jti: crypto.randomUUID(), htm, htu, ...claims }).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk }).setIssuedAt().sign(privateKey);
    const token = await provider.token('mcp:read', { headers: { dpop: await prove('POST', `${provider.issuer}/token`) } });
    const ath = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(token))).toString('base64url');
    const send = async (proof: string, scheme = 'DPoP') => callTool(hub.url, 'do_read', { authorization: `${scheme} ${token}`, dpop: proof });
    return { hub, token, ath, prove, send };
  }

  it('opens with a fresh proof, once with each, and never as a bearer token', async () => {
    const { hub, ath, token, prove, send } = await bound();
    const proof = await prove('POST', hub.url, { ath });
    expect((await send(proof)).status).toBe(200);
    const again = await send(proof);
    expect([again.status, again.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^DPoP .*error="invalid_dpop_proof"/)]);
    expect((await send(await prove('POST', hub.url, { ath }), 'Bearer')).status).toBe(401);
    expect((await callTool(hub.url, 'do_read', bearing(token))).status).toBe(401);
    expect((await send(await prove('GET', hub.url, { ath }))).status).toBe(401);
    expect((await send(await prove('POST', hub.url, { ath }))).status).toBe(200);
  });

  it('opens with the nonce the hub gave, where it wants one', async () => {
    const { hub, ath, prove, send } = await bound(true);
    const refusal = await send(await prove('POST', hub.url, { ath }));
    expect([refusal.status, refusal.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('error="use_dpop_nonce"')]);
    expect((await send(await prove('POST', hub.url, { ath, nonce: refusal.headers.get('dpop-nonce') }))).status).toBe(200);
  });

  it('holds a WebSocket open past its proof, and until it expires', async () => {
    const { hub, token, ath, prove } = await bound();
    const socket = new WebSocket(hub.url.replace('http', 'ws'), 'mcp', {
      headers: { authorization: `DPoP ${token}`, dpop: await prove('GET', hub.url, { ath }) },
    });
    await once(socket, 'open');
    const closed = once(socket, 'close');
    // The proof is long stale and was used: the connection it came with is looked at again and again all the same.
    hub.clock.advance(200_000);
    await hub.looks(3);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    hub.clock.advance(110_000);
    const [code] = (await closed) as [number];
    expect(code).toBe(4401);
  });
});

describe('the official client', () => {
  class ProofProvider extends PrivateKeyJwtProvider {
    readonly #session = DpopSession.create();
    dpop() {
      return this.#session;
    }
  }

  async function connect(url: string, provider: AuthorizationServer, Provider = PrivateKeyJwtProvider) {
    const authProvider = new Provider({
      clientId: 'worker',
      privateKey: provider.clientKey as Record<string, unknown>,
      algorithm: 'EdDSA',
      expectedIssuer: provider.issuer,
      claims: { aud: provider.issuer },
    });
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider }));
    open.push({ [Symbol.asyncDispose]: () => client.close() });
    return { client, authProvider };
  }

  it('T29: finds its way from 401 to a token by itself, and from 403 to a wider one', async () => {
    const { provider, hub } = await world();
    const { client, authProvider } = await connect(hub.url, provider);
    expect(authProvider.tokens()?.scope).toBe('mcp:read');
    expect((await client.callTool({ name: 'do_read', arguments: {} })).content).toEqual([{ type: 'text', text: 'data_analyst' }]);
    expect((await client.readResource({ uri: 'test://page' })).contents).toMatchObject([{ text: 'read' }]);
    expect((await client.callTool({ name: 'do_write', arguments: {} })).content).toEqual([{ type: 'text', text: 'data_analyst' }]);
    expect(authProvider.tokens()?.scope?.split(' ').sort()).toEqual(['mcp:read', 'mcp:write']);
    // The refusal that made it step up, and the call itself.
    expect(hub.calls.filter(({ call }) => call.name === 'do_write').map(({ code }) => code)).toEqual(['DENIED', undefined]);
  });

  it.each([false, true])('shows proofs of its key with a token that is bound to it (nonce of the hub wanted: %s)', async (dpopNonce) => {
    const { provider, hub } = await world({ dpopNonce });
    const { client, authProvider } = await connect(hub.url, provider, ProofProvider);
    expect(authProvider.tokens()?.token_type).toBe('DPoP');
    for (const name of ['do_read', 'do_write', 'do_admin'])
      expect((await client.callTool({ name, arguments: {} })).content).toEqual([{ type: 'text', text: 'data_analyst' }]);
    const [stolen = ''] = [authProvider.tokens()?.access_token];
    expect((await callTool(hub.url, 'do_read', bearing(stolen))).status).toBe(401);
  });
});

describe('an authorization server', () => {
  it('that rotates its keys goes unnoticed, but for one look at the new ones', async () => {
    const { provider, hub } = await world();
    expect((await callTool(hub.url, 'do_read', bearing(await provider.token('mcp:read')))).status).toBe(200);
    await provider.rotate();
    hub.clock.advance(30_000);
    const token = await provider.token('mcp:read');
    const answers = await Promise.all(Array.from({ length: 10 }, () => callTool(hub.url, 'do_read', bearing(token))));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(provider.asked.filter((path) => path === '/jwks').length).toBe(2);
  });

  it('that is away keeps nobody out whose key is known; others are told clearly; all is well when it is back', async () => {
    const { provider, hub } = await world();
    const [known, unseen] = [await provider.token('mcp:read'), await provider.token('mcp:read')];
    expect((await callTool(hub.url, 'do_read', bearing(known))).status).toBe(200);
    await provider.rotate();
    const rotated = await provider.token('mcp:read');
    await provider.stop();
    hub.clock.advance(30_000);
    expect((await callTool(hub.url, 'do_read', bearing(known))).status).toBe(200);
    expect((await callTool(hub.url, 'do_read', bearing(unseen))).status).toBe(200);
    const refused = await callTool(hub.url, 'do_read', bearing(rotated));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining('cannot be fetched') } });
    const rest = await fetch(`${hub.url}/tools`, { headers: bearing(rotated) });
    expect(rest.status).toBe(503);
    await provider.start();
    hub.clock.advance(30_000);
    expect((await callTool(hub.url, 'do_read', bearing(rotated))).status).toBe(200);
  });
});
