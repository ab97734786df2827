import { type Authenticator, createHub, createMemoryStore, defineTool, inProcessPrincipal, toolAnswer } from '@meshwork/core';
import { type Guardian, guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createAgentKey, openSession } from '@meshwork/guardian/agent';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { createOAuthAuthenticator } from '@meshwork/guardian/oauth';
import { serveHttp } from '@meshwork/transports';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { echoInput } from '../echo-tools.ts';
import { ready } from './ready.ts';

/** One tool without policy or record, so that what is left is the door. */
const audience = 'http://127.0.0.1/mcp';
const guard = guardian({
  store: createMemoryStore(),
  engine: createCedarEngine({ policies: standardPolicies, schema: standardSchema }),
  sessions: { audience, ttlMs: 900_000 },
});
const echo = defineTool({
  name: 'echo',
  description: 'The tool echo.',
  category: 'bench',
  effect: 'read',
  input: echoInput,
  run: ({ text }) => toolAnswer([{ type: 'text', text }]),
});
const hub = createHub({ modules: [{ name: 'bench', tools: [echo] }] });
const { key } = await guard.agents.add({ name: 'bench' });

const doors: Readonly<
  Record<string, () => Promise<{ readonly authenticator: Authenticator | { everybody: ReturnType<typeof inProcessPrincipal> }; readonly key: string }>>
> = {
  open: async () => ({ authenticator: { everybody: inProcessPrincipal('bench') }, key }),
  'API key': async () => ({ authenticator: guard.authenticator, key }),
  'session token': async () => ({ authenticator: guard.authenticator, key: await signIn(guard) }),
  'JWT verified each time': async () => ({ authenticator: await neverTheSameToken(), key: 'whatever' }),
};
const { authenticator, key: credential } = await (doors[process.argv[2] ?? 'open'] as (typeof doors)[string])();
const server = await serveHttp(hub, { port: 0, authenticator, onError: console.error });
ready({ url: server.url, key: credential });

async function signIn({ agentKeys, authenticator: door, tools = [] }: Guardian): Promise<string> {
  const { publicKey, privateKey } = await createAgentKey();
  await agentKeys.add('bench', publicKey);
  const principal = await door.authenticate(key, { via: 'in-process', encrypted: false });
  if (principal === undefined) throw new Error('the key is not known');
  const inside = createHub({ modules: [{ name: 'sessions', tools }] });
  const call = (name: string, args: object) => inside.call({ name, arguments: args, principal, face: 'local' });
  return (await openSession({ call, agentId: 'bench', privateKey, audience })).token;
}

/** Shows the authenticator another access token with each call, and takes a new authenticator when all have been shown: it remembers none. */
async function neverTheSameToken(): Promise<Authenticator> {
  const issuer = 'https://idp.example';
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'EdDSA', use: 'sig' }] });
  const mint = (jti: number) =>
    new SignJWT({ jti: String(jti), client_id: 'bench', scope: 'mcp:read' })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject('bench')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
  const tokens = await Promise.all(Array.from({ length: 1_000 }, (_, jti) => mint(jti)));
  const fresh = () =>
    createOAuthAuthenticator({
      resource: audience,
      issuers: [{ issuer, jwksUri: `${issuer}/jwks`, algorithms: ['EdDSA'] }],
      fetch: async () => new Response(jwks, { headers: { 'content-type': 'application/json' } }),
    });
  let next = 0;
  let current = fresh();
  return {
    authenticate(_, connection) {
      if (next === tokens.length) {
        next = 0;
        current = fresh();
      }
      const token = tokens[next++];
      return current.authenticate(token, { ...connection, request: { method: 'POST', path: '/mcp', header: () => `Bearer ${token}` } });
    },
  };
}
