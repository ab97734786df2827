import { createAgentKey, openSession } from '@meshwork/guardian/agent';
import type { ConnectionFacts } from '@meshwork/transports';
import type { CredentialName } from './access-table.ts';
import { createSenderKey } from './token-issuer.ts';
import type { World } from './world.ts';

/** What a caller shows: a key in a header, or headers made for each request, or what its connection proves. */
export interface Shown {
  readonly key?: string;
  readonly headersFor?: (method: string, path: string) => Promise<Readonly<Record<string, string>>>;
  readonly facts?: ConnectionFacts;
}

/** The headers that show it with a request. */
export async function headersOf({ key, headersFor }: Shown, method: string, path: string): Promise<Readonly<Record<string, string>>> {
  return { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...(await headersFor?.(method, path)) };
}

/** How each credential of the table comes to be. */
export const credentials: Readonly<Record<Exclude<CredentialName, 'owner of the process'>, (world: World) => Promise<Shown>>> = {
  none: async () => ({}),
  'unknown key': async () => ({ key: `mk_${'0'.repeat(16)}_${'A'.repeat(43)}` }),
  'revoked key': async ({ guard }) => {
    const { key } = await guard.agents.add({ name: 'rotated' });
    await guard.agents.rotate('rotated');
    return { key };
  },
  'key of a removed agent': async ({ guard }) => {
    const { key } = await guard.agents.add({ name: 'removed' });
    await guard.agents.remove('removed');
    return { key };
  },
  'agent key': async ({ guard }) => ({ key: (await guard.agents.add({ name: 'alice' })).key }),
  'session token': async (world) => ({ key: await sessionOf(world, 'alice') }),
  'ended session': async (world) => {
    const key = await sessionOf(world, 'gone');
    await world.guard.agents.remove('gone');
    return { key };
  },
  'client certificate': async ({ guard }) => {
    await guard.agents.add({ name: 'alice' });
    return certificateOf('alice');
  },
  'certificate of nobody': async () => certificateOf('nobody'),
  'access token': async (world) => bearing(await tokenOf(world, 'alice')),
  'access token with proof of its key': (world) => boundToken(world, { withProof: true }),
  'access token without proof of its key': (world) => boundToken(world, { withProof: false }),
  'access token for another hub': async (world) => bearing(await tokenOf(world, 'alice', { audience: 'https://other.example/mcp' })),
  'access token beside a certificate of another': async (world) => ({ ...bearing(await tokenOf(world, 'alice')), ...certificateOf('bob') }),
  'admin key': async ({ guard }) => ({ key: await guard.createAdminKey() }),
};

/** The token of a session that a new agent has opened with its key pair. */
export async function sessionOf({ guard, hub }: World, name: string): Promise<string> {
  const { key } = await guard.agents.add({ name });
  const { publicKey, privateKey } = await createAgentKey();
  await guard.agentKeys.add(name, publicKey);
  const principal = await guard.authenticator.authenticate(key, { via: 'in-process', encrypted: false });
  if (principal === undefined) throw new Error('the key opens nothing');
  const call = (tool: string, args: object) => hub.call({ name: tool, arguments: args, principal, face: 'local' });
  return (await openSession({ call, agentId: name, privateKey })).token;
}

function tokenOf({ issuer, clock }: World, agent: string, options: { readonly audience?: string; readonly jkt?: string } = {}): Promise<string> {
  if (issuer === undefined) throw new Error('this world has no issuer');
  return issuer.tokenOf(agent, clock.now(), options);
}

/** A token in the one header where it counts. */
function bearing(token: string): Shown {
  return { headersFor: async () => ({ authorization: `Bearer ${token}` }) };
}

/** A token that is bound to a key of its sender, which proves that it has it, or does not. */
async function boundToken(world: World, { withProof }: { readonly withProof: boolean }): Promise<Shown> {
  const key = await createSenderKey();
  const token = await tokenOf(world, 'alice', { jkt: key.jkt });
  if (!withProof) return bearing(token);
  const prove = (method: string, path: string) => key.prove({ method, path, token, now: world.clock.now() });
  return { headersFor: async (method, path) => ({ authorization: `DPoP ${token}`, dpop: await prove(method, path) }) };
}

/** What TLS says of a client whose certificate names the agent. */
function certificateOf(name: string): Shown {
  return { facts: { encrypted: true, certificate: { names: [`URI:urn:meshwork:agent:${name}`], thumbprint: 'A'.repeat(43) } } };
}
