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
  'admin key': async ({ guard }) => ({ key: await guard.createAdminKey() }),
};
