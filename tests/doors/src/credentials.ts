import { createAgentKey, openSession } from '@meshwork/guardian/agent';
import type { ConnectionFacts } from '@meshwork/transports';
import type { CredentialName } from './access-table.ts';
import type { World } from './world.ts';

/** What a caller shows: a key in a header, or what its connection proves. */
export interface Shown {
  readonly key?: string;
  readonly facts?: ConnectionFacts;
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

/** What TLS says of a client whose certificate names the agent. */
function certificateOf(name: string): Shown {
  return { facts: { encrypted: true, certificate: { names: [`URI:urn:meshwork:agent:${name}`], thumbprint: 'A'.repeat(43) } } };
}
