import { type AuditLog, audit } from '@meshwork/audit';
import { type Authenticator, createHub, createMemoryStore, defineTool, type Hub, type Module, type Store, toolAnswer } from '@meshwork/core';
import { type Guardian, type GuardianOptions, guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { createOAuthAuthenticator } from '@meshwork/guardian/oauth';
import { type ManualClock, manualClock } from '@meshwork/testing';
import { createGuardedFetch } from '@meshwork/transports/outbound';
import { z } from 'zod';
import { tools } from './access-table.ts';
import { RESOURCE } from './resource.ts';
import type { TokenIssuer } from './token-issuer.ts';

const engine = createCedarEngine({ policies: standardPolicies, schema: standardSchema });

export interface World {
  readonly hub: Hub;
  readonly guard: Guardian;
  /** The guardian's, with the tokens of the issuer where there is one. */
  readonly authenticator: Authenticator;
  readonly issuer: TokenIssuer | undefined;
  readonly log: AuditLog;
  readonly store: Store;
  readonly clock: ManualClock;
}

export interface WorldOptions extends Pick<GuardianOptions, 'anomalies'> {
  readonly modules?: readonly Module[];
  readonly store?: Store;
  /** Whose access tokens open the hub, for the agent that is their subject. */
  readonly issuer?: TokenIssuer;
}

/** A hub with a guardian, an audit log, and a tool for each column of the table. */
export function createWorld({ modules = [], store, issuer, anomalies }: WorldOptions = {}): World {
  const clock = manualClock();
  const kept = store ?? createMemoryStore({ clock });
  const log = audit({ journal: kept, clock });
  const guard = guardian({
    store: kept,
    engine,
    clock,
    networks: { trusted: ['10.0.0.0/8'] },
    sessions: { audience: RESOURCE },
    certificateAgents: 'urn:meshwork:agent:',
    ...(anomalies !== undefined && { anomalies }),
  });
  const authenticator = issuer === undefined ? guard.authenticator : guard.authenticatorWith(tokensOf(issuer, guard, clock));
  const tried = Object.entries(tools).map(([name, [category, effect]]) =>
    defineTool({
      name,
      description: 'Says that it ran.',
      category,
      effect,
      input: z.strictObject({ text: z.string().optional() }),
      run: () => toolAnswer([{ type: 'text', text: `${name} ran` }]),
    }),
  );
  const hub = createHub({ modules: [log, guard, { name: 'tried', tools: tried }, ...modules], clock });
  return { hub, guard, authenticator, issuer, log, store: kept, clock };
}

function tokensOf({ issuer }: TokenIssuer, { zoneOf }: Guardian, clock: ManualClock): Authenticator {
  const fetch = createGuardedFetch({ allow: ['127.0.0.1'] });
  const issuers = [{ issuer, algorithms: ['EdDSA' as const], principalOf: ({ sub }: { sub: string }) => ({ id: sub }) }];
  return createOAuthAuthenticator({ resource: RESOURCE, issuers, fetch, zoneOf, clock });
}
