import {
  type Authenticator,
  type Clock,
  firstOf,
  type HubHandle,
  type IdSource,
  type Journal,
  type KeyValueStore,
  type Module,
  randomIds,
  systemClock,
  withPatience,
} from '@meshwork/core';
import { EventEmitter } from 'eventemitter3';
import { type AgentBook, createAgentBook } from './agent-book.ts';
import { createAgentTools } from './agent-tools.ts';
import { createAuthenticator, LONGEST_GIVEN_KEY } from './authenticator.ts';
import { createAuthorizeStage } from './authorize.ts';
import { type BoardPolicies, createBoardAccess } from './board-access.ts';
import { type CertificateOptions, withCertificates } from './certificates.ts';
import { createCredentialBook, type KeyEvent } from './credential-book.ts';
import { createVisibility } from './decide-call.ts';
import { createGrantBook, type GrantBook } from './grant-book.ts';
import { createGrantResources } from './grant-resources.ts';
import { createKeyBook, type KeyBook } from './key-book.ts';
import { createKeyTools } from './key-tools.ts';
import { withLivingKeys } from './living-keys.ts';
import { createPermissionTools, type PermissionEvent, revocationOf } from './permission-tools.ts';
import { createCredentialPlaces } from './places/credential-places.ts';
import { type AnomalyRules, type CredentialMoved, withStepUp } from './places/step-up.ts';
import type { PolicyEngine, ResourceType } from './policy-engine.ts';
import { createRateMeter } from './rate-meter.ts';
import { digestOf } from './secret.ts';
import { type AgentKeyBook, createAgentKeyBook } from './sessions/agent-key-book.ts';
import { createAgentKeyTools } from './sessions/agent-key-tools.ts';
import { createSessions, type SessionEvents, type Sessions, type SessionsOptions } from './sessions/sessions.ts';
import { type ClockJump, type ClockState, createSteadyTime } from './steady-time.ts';
import { createTrail } from './trail.ts';
import { createTurns } from './turns.ts';
import { createWithdrawals } from './withdrawals.ts';
import { createZones, type ZoneOf, type ZoneOptions } from './zones.ts';

export interface GuardianOptions extends CertificateOptions, Pick<ZoneOptions, 'certificateZone'> {
  /** Where agents, keys, grants and the trail are kept. */
  readonly store: KeyValueStore & Journal;
  /** Who decides: `createCedarEngine` of `@meshwork/guardian/cedar`, or another. */
  readonly engine: PolicyEngine;
  /** What may be asked for. Default: `standardResourceTypes`. */
  readonly resourceTypes?: readonly ResourceType[];
  /** How long a grant lasts, in milliseconds. Default 300,000 (five minutes). */
  readonly grantTtlMs?: number;
  /** Networks whose callers are in the trusted zone, in CIDR notation. */
  readonly networks?: { readonly trusted?: readonly string[] };
  /**
   * Keys that were made elsewhere, such as one from the environment, and the agents they stand for. They hold as long as the hub is given
   * them, and only at start; they cannot be revoked otherwise. Make them long: nothing slows down a guesser but their length.
   */
  readonly givenKeys?: readonly { readonly key: string; readonly agent: string }[];
  /**
   * At least 32 secret bytes, kept apart from the store: keys are then kept as HMAC-SHA-256 with it, and the keys that sign session
   * tokens sealed with it. Without it, or with another, all keys made with it are worth nothing.
   */
  readonly pepper?: Uint8Array;
  /** Session tokens for agents that prove they hold an Ed25519 key. Without it there are none. */
  readonly sessions?: SessionsOptions;
  /** What is done about a key, session or access token that is suddenly used from another network. */
  readonly anomalies?: AnomalyRules;
  readonly clock?: Clock;
  readonly ids?: IdSource;
}

const TYPE_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
const LONGEST_TTL_MS = 366 * 86_400_000;

/** The resource types of a hub that names none. */
export const standardResourceTypes: readonly ResourceType[] = [
  { name: 'SAP_API', everyday: true, remote: false },
  { name: 'FINANCIAL_API', everyday: false, remote: false },
  { name: 'EXTERNAL_SERVICE', everyday: true, remote: true },
  { name: 'DATA_EXPORT', everyday: false, remote: false },
];

export interface GuardianEvents extends SessionEvents {
  'grant-issued': (event: Extract<PermissionEvent, { type: 'grant-issued' }>) => void;
  'grant-refused': (event: Extract<PermissionEvent, { type: 'grant-refused' }>) => void;
  'grant-revoked': (event: Extract<PermissionEvent, { type: 'grant-revoked' }>) => void;
  'key-issued': (event: Extract<KeyEvent, { type: 'key-issued' | 'key-revoked' }>) => void;
  'key-rotated': (event: Extract<KeyEvent, { type: 'key-rotated' }>) => void;
  'key-revoked': (event: Extract<KeyEvent, { type: 'key-issued' | 'key-revoked' }>) => void;
  /** The wall clock and the monotonic one differ by over a minute in what has passed; seen when the guardian next looks at them. */
  'clock-jumped': (event: ClockJump) => void;
  /** A credential was used from another network or zone than before; once for each place. */
  'credential-moved': (event: CredentialMoved) => void;
}

/** The module, and what an application uses of it directly. */
export interface Guardian extends Module {
  readonly authenticator: Authenticator;
  /**
   * The same, with other credentials beside the guardian's own, such as access tokens (`createOAuthAuthenticator`). The guardian's are looked at
   * first. Whoever a credential of either says it is, a client certificate of somebody else beside it is refused as impersonation.
   */
  authenticatorWith(...others: readonly Authenticator[]): Authenticator;
  /** Where a connection comes from, as it says of those it lets in. */
  readonly zoneOf: ZoneOf;
  readonly agents: AgentBook;
  readonly keys: KeyBook;
  /** The Ed25519 keys agents may open sessions with. */
  readonly agentKeys: AgentKeyBook;
  /** Absent without the option of this name. */
  readonly sessions?: Sessions;
  readonly grants: Pick<GrantBook, 'list' | 'stateOf'>;
  /** Who may read and write which keys of shared boards, as the policies say; for the `access` of a board's module. */
  readonly boardAccess: BoardPolicies;
  readonly events: Pick<EventEmitter<GuardianEvents>, 'on' | 'off' | 'once'>;
  /** Whether grants, sessions and keys can be issued, as far as the clock goes. */
  clockState(): ClockState;
  /** True while there is an admin key that opens. */
  hasAdmin(): Promise<boolean>;
  /** Makes an admin key, shown only here. Earlier admin keys stay good. */
  createAdminKey(): Promise<string>;
}

/** Who may do what: keys, agents, policies, and grants that expire. Refuses whatever no policy permits. */
export function guardian(options: GuardianOptions): Guardian {
  const { engine, resourceTypes = standardResourceTypes, grantTtlMs = 300_000, networks = {}, givenKeys = [] } = options;
  const store = withPatience(options.store);
  const { ids = randomIds, pepper } = options;
  const clock = createSteadyTime(options.clock ?? systemClock, (jump) => tell('clock-jumped', jump));
  const zoneOf = createZones({ ...networks, ...(options.certificateZone !== undefined && { certificateZone: options.certificateZone }) });
  const types = new Map(resourceTypes.map((type) => [type.name, type]));
  if (types.size === 0) throw new TypeError('the guardian needs at least one resource type');
  if (types.size < resourceTypes.length) throw new TypeError('two resource types have one name; name each once');
  for (const name of types.keys())
    if (!TYPE_NAME.test(name)) throw new TypeError(`the resource type ${JSON.stringify(name)} must be 1 to 64 of A-Z a-z 0-9 _ . - and start with a letter`);
  if (!Number.isSafeInteger(grantTtlMs) || grantTtlMs < 1 || grantTtlMs > LONGEST_TTL_MS)
    throw new TypeError(`grantTtlMs is ${grantTtlMs}; it must be a whole number of milliseconds from 1 to a year`);
  if (givenKeys.some(({ key }) => key.length > LONGEST_GIVEN_KEY))
    throw new TypeError(`a given key has more than ${LONGEST_GIVEN_KEY} characters; use a shorter one`);
  const inTurn = createTurns();
  const withdrawals = createWithdrawals();
  const credentials = createCredentialBook({
    store,
    clock,
    ...(pepper !== undefined && { pepper }),
    onChange(event) {
      if (event.type !== 'key-issued') withdrawals.tell(event.holder);
      tell(event.type, event);
    },
  });
  const grants = createGrantBook({ store, clock, ids });
  const trail = createTrail(store);
  const places = createCredentialPlaces();
  const agents = createAgentBook({
    store,
    clock,
    credentials,
    inTurn,
    isResourceType: (name) => types.has(name),
    async onRemoved(name, by) {
      await agentKeys.forget(name);
      places.forget(name);
      for (const grant of await grants.revokeAll(name, by.id)) {
        await trail.add(revocationOf(grant, by, clock.now()));
        onChange({ type: 'grant-revoked', grantId: grant.id, agent: name, resource: grant.resource });
      }
    },
  });
  const keys = createKeyBook({ credentials, inTurn, isAgent: async (name) => (await agents.get(name)) !== undefined });
  const meter = createRateMeter(clock);
  const events = new EventEmitter<GuardianEvents>();
  const tell = (name: keyof GuardianEvents, event: unknown) => {
    for (const listener of events.listeners(name)) {
      try {
        (listener as (payload: unknown) => void)(event);
      } catch {
        // Whoever listens is told; what was decided and kept stands, whatever a listener makes of it.
      }
    }
  };
  const agentKeys = createAgentKeyBook({
    store,
    clock,
    agents,
    onRemoved(agent) {
      sessions?.forgetVerified();
      withdrawals.tell(agent);
    },
  });
  const sessionParts = { store, clock, ids, agentKeys, pepper, onEnded: withdrawals.tell, onProved: places.proved, tell };
  const sessions = options.sessions && createSessions(options.sessions, sessionParts);
  const stepUp = {
    rules: options.anomalies ?? {},
    places,
    hasNetworks: async (keyId: string) => (await credentials.get(keyId))?.networks !== undefined,
    onMoved: (event: CredentialMoved) => tell('credential-moved', event),
  };
  const admin = { kind: 'admin', id: 'admin' } as const;
  const givenDigests = new Map(givenKeys.map(({ key, agent }) => [digestOf(key), agent]));
  const ownCredentials = createAuthenticator({ credentials, zoneOf, givenKeys: givenDigests, sessions, withdrawals });
  const authenticatorWith = (...others: readonly Authenticator[]) =>
    withCertificates(others.length === 0 ? ownCredentials : firstOf(ownCredentials, ...others), { ...options, agents, zoneOf });
  let hub: HubHandle | undefined;

  const decideRequest = (
    agent: { name: string; allowed: readonly string[] },
    place: { zone: 'local' | 'trusted' | 'external'; trust: number },
    resource: string,
    scope: string,
    requestsLastMinute: number,
  ) => {
    const type = types.get(resource);
    if (type === undefined) return { effect: 'deny', policies: ['default-deny'], reason: `there is no resource type ${resource}` } as const;
    const decision = engine.decide({
      principal: { kind: 'agent', id: agent.name, roles: [], allowed: agent.allowed },
      zone: place.zone,
      trust: Math.round(place.trust * 100),
      question: { action: 'request', resource: type, scope, time: Math.floor(clock.now()), requestsLastMinute },
    });
    if (decision.policies[0] !== 'default-deny') return decision;
    return { ...decision, reason: `no policy grants ${resource} to ${agent.name} in the ${place.zone} zone; an admin can allow it (agent_allow)` };
  };
  const onChange = (event: PermissionEvent) => {
    hub?.resourceUpdated('grants://active');
    hub?.resourceUpdated('grants://audit');
    tell(event.type, event);
  };
  const resourceNames = [...types.keys()];
  const tools = [
    ...createPermissionTools({
      agents,
      grants,
      trail,
      clock,
      grantTtlMs,
      resourceTypes: resourceNames,
      onChange,
      decide: async ({ principal, agent, resource, scope }) => {
        const known = (await agents.get(agent)) ?? { name: agent, allowed: [] };
        return decideRequest(known, principal, resource, scope, meter.count(agent));
      },
    }),
    ...createAgentTools({
      agents,
      resourceTypes: resourceNames,
      explain: ({ agent, resource, scope, ...place }) => decideRequest(agent, place, resource, scope, 0),
    }),
    ...createKeyTools(keys),
    ...(sessions === undefined ? [] : [...createAgentKeyTools(agentKeys), ...sessions.tools]),
  ];

  return {
    name: 'guardian',
    tools,
    resources: createGrantResources({ grants, trail }),
    stages: { authorize: withLivingKeys(credentials, withStepUp(stepUp, createAuthorizeStage(engine))) },
    visibility: createVisibility(engine),
    attach(handle) {
      hub = handle;
    },
    authenticator: authenticatorWith(),
    authenticatorWith,
    zoneOf,
    agents,
    keys,
    agentKeys,
    ...(sessions && { sessions: { rotateKey: sessions.rotateKey, end: sessions.end } }),
    grants,
    boardAccess: createBoardAccess(engine),
    events,
    clockState: clock.state,
    hasAdmin: () => credentials.has(admin),
    createAdminKey: async () => (await credentials.issue(admin)).key,
    close: () => credentials.close(),
  };
}
