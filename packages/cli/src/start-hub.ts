import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type AuditLog, audit, createStoredKeys } from '@meshwork/audit';
import { auditReports } from '@meshwork/audit/report';
import type { Blackboard } from '@meshwork/blackboard';
import {
  createHub,
  createJournalBus,
  createOperations,
  type Hub,
  InvalidInputError,
  type Module,
  type Operation,
  randomIds,
  type Store,
  UnavailableError,
  withPatience,
} from '@meshwork/core';
import { createEvents, type Events } from '@meshwork/events';
import {
  boardPolicies,
  type CertificateOptions,
  type Guardian,
  type GuardianOptions,
  guardian,
  type SessionsOptions,
  standardPolicies,
  standardResourceTypes,
  standardSchema,
} from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { createMetrics, type Metrics, telemetryResources, tracing } from '@meshwork/telemetry';
import { createPresence, type Presence, presenceModule } from '@meshwork/transports';
import { type LimitRule, rateLimits } from '@meshwork/transports/limits';
import { openBoards } from './boards/open-boards.ts';
import { type AuditSettings, auditSettingsOf } from './config/audit-field.ts';
import { type BoardsSettings, boardsSettingsOf } from './config/boards-field.ts';
import { type EventsSettings, eventsSettingsOf } from './config/events-field.ts';
import type { PeerSettings } from './config/peers-field.ts';
import { type DataFolder, prepareFolder, writeAdminKey } from './data-folder.ts';
import { forwardModules } from './forward/forward-modules.ts';
import { startedNews, stoppingNews } from './forward/hub.ts';
import type { HubEventTypes } from './forward/hub-event-types.ts';
import type { News } from './forward/news.ts';
import { endNews } from './forward/operations.ts';
import { type OpenedStore, openStore } from './store/open-store.ts';
import { sqliteUrl } from './store/store-url.ts';
import { version } from './version.ts';

export interface StartHubOptions {
  readonly folder: DataFolder;
  /** Where everything is kept; it closes with the hub. Default: SQLite in the folder. */
  readonly store?: OpenedStore;
  readonly guardian?: CertificateOptions &
    Pick<GuardianOptions, 'anomalies' | 'certificateZone'> & {
      readonly grantTtlMs?: number;
      /** Lets agents sign in with a key pair. */
      readonly sessions?: SessionsOptions;
      readonly trustedNetworks?: readonly string[];
      readonly resourceTypes?: readonly { readonly name: string; readonly everyday: boolean; readonly remote: boolean }[];
      /** Files with Cedar policies that take the place of the standard ones. */
      readonly policyFiles?: readonly string[];
      /** Keys made elsewhere, and the agents they stand for. */
      readonly givenKeys?: readonly { readonly key: string; readonly agent: string }[];
      /** At least 32 secret bytes that keys are worth nothing without. */
      readonly pepper?: Uint8Array;
    };
  /** What becomes of the audit log. Default: what a hub without a configuration file does. */
  readonly audit?: AuditSettings;
  /** How events are kept and delivered. Default: what a hub without a configuration file does. */
  readonly events?: EventsSettings;
  /** What this hub is called among those that share boards. Default the name of the machine; hubs on one store need names of their own. */
  readonly name?: string;
  /** The boards, and who may read and write them. Default one board, `main`. */
  readonly boards?: BoardsSettings;
  /** Hubs that share boards with this one. */
  readonly peers?: readonly PeerSettings[];
  readonly instructions?: string;
  /** How often callers may call; an empty list: as often as they like. Default: those of `rateLimits`. */
  readonly limits?: readonly LimitRule[];
  /** Further modules of the application. */
  readonly modules?: readonly Module[];
  readonly onError?: (error: unknown) => void;
}

export interface RunningHub extends AsyncDisposable {
  readonly hub: Hub;
  readonly guardian: Guardian;
  /** Where everything is kept. It closes with the hub. */
  readonly store: Store;
  readonly audit: AuditLog;
  /** What happens in the hub, for whoever subscribes. */
  readonly events: Events<HubEventTypes & Record<string, unknown>>;
  /** What agents share. It closes with the hub. Absent where hubs share the store and this one was given no name. */
  readonly blackboard: Blackboard | undefined;
  /** What the hub has carried; for the `meter` of whoever serves it. */
  readonly metrics: Metrics;
  /** Who is connected; for the `presence` of whoever serves it. */
  readonly presence: Presence;
  /** Aborted when the hub begins to close. */
  readonly closing: AbortSignal;
  /** True when this start made the admin key. */
  readonly madeAdminKey: boolean;
  close(): Promise<void>;
}

/** Wires store, audit and guardian into a hub on a data folder: what `meshwork up` runs. */
export async function startHub(options: StartHubOptions): Promise<RunningHub> {
  const { folder, guardian: rules = {}, audit: kept = auditSettingsOf(undefined, '.'), instructions, limits, modules = [], onError = () => {} } = options;
  const { boards: shared = boardsSettingsOf(undefined), peers = [] } = options;
  const { retention, webhooks } = options.events ?? eventsSettingsOf(undefined);
  const { store, isShared } = options.store ?? (await openStore(sqliteUrl(folder.database)));
  try {
    await prepareFolder(folder);
    const policies = rules.policyFiles === undefined ? standardPolicies : await readPolicies(rules.policyFiles);
    const engine = createCedarEngine({
      policies: `${policies}\n${boardPolicies(shared.access)}`,
      schema: standardSchema,
      shadow: {
        onMismatch: (event) => onError(new Error(`two evaluators of the policies disagree; cedar-wasm decides from now on: ${JSON.stringify(event)}`)),
      },
    });
    const guard = guardian({
      store,
      engine,
      resourceTypes: rules.resourceTypes ?? standardResourceTypes,
      networks: { trusted: rules.trustedNetworks ?? [] },
      ...(rules.certificates !== undefined && { certificates: rules.certificates }),
      ...(rules.certificateAgents !== undefined && { certificateAgents: rules.certificateAgents }),
      ...(rules.certificateZone !== undefined && { certificateZone: rules.certificateZone }),
      ...(rules.grantTtlMs !== undefined && { grantTtlMs: rules.grantTtlMs }),
      ...(rules.sessions !== undefined && { sessions: rules.sessions }),
      ...(rules.givenKeys !== undefined && { givenKeys: rules.givenKeys }),
      ...(rules.pepper !== undefined && { pepper: rules.pepper }),
      ...(rules.anomalies !== undefined && { anomalies: rules.anomalies }),
    });
    const log = audit({
      journal: store,
      isExclusive: !isShared,
      index: store,
      checkpoints: {
        signer: createStoredKeys({ store, name: kept.origin, ...(rules.pepper !== undefined && { pepper: rules.pepper }) }),
        everyMs: kept.everyMs,
        places: kept.places,
      },
      ...(kept.retention !== undefined && { retention: kept.retention }),
      onError,
    });
    const patient = withPatience(store);
    const events = createEvents<HubEventTypes & Record<string, unknown>>({
      journal: patient,
      store: patient,
      ...(retention !== undefined && { retention }),
      ...(webhooks !== undefined && { webhooks: { ...webhooks, ...(rules.pepper !== undefined && { pepper: rules.pepper }) } }),
      onError,
    });
    const publish = async (news: News) => void (await events.publish(news));
    const boards = await openBoards({ store, isShared, folder, name: options.name, settings: shared, peers, access: guard.boardAccess, onError });
    const limiting =
      limits?.length === 0
        ? undefined
        : rateLimits({ ...(limits !== undefined && { rules: limits }), ...(isShared && { store }), isExempt: boards.isExchange, onError });
    const metrics = createMetrics();
    const presence = createPresence();
    const closing = new AbortController();
    // A store of one process: whatever an earlier one of this name left under way is lost. Where hubs share it, each has a name of its own.
    const announceEnd = (operation: Operation) =>
      publish(endNews(operation)).catch((error: unknown) => {
        // What is no event today is none tomorrow: an owner's id may hold what an event must not.
        if (!(error instanceof InvalidInputError)) throw error;
        onError(error);
      });
    const name = isShared ? randomIds('hub') : 'local';
    const operations = createOperations({ store: patient, hub: name, announceEnd, onError });
    forwardModules(events, { guardian: guard, operations, audit: log, limits: limiting, presence, blackboard: boards.blackboard });
    const lostOperations = await operations.recover();
    const hub = createHub({
      modules: [
        tracing(),
        metrics,
        log,
        auditReports({ log }),
        guard,
        telemetryResources({ metrics, version, closing: closing.signal, warnings: () => warningsOf(guard) }),
        presenceModule(presence),
        events,
        ...(limiting === undefined ? [] : [limiting]),
        ...boards.modules,
        ...modules,
      ],
      operations,
      ...(isShared && { bus: createJournalBus({ journal: store, onError }) }),
      info: { name: 'meshwork', title: 'Meshwork hub', version },
      instructions: instructions ?? 'Ask request_permission before you use a guarded resource. A refusal says which policy decided and what to do.',
      onError,
    });
    const madeAdminKey = !(await guard.hasAdmin());
    if (madeAdminKey) await writeAdminKey(folder, await guard.createAdminKey());
    // Before any call, so that whatever happens comes after it.
    await publish(startedNews({ hub: name, version, lostOperations })).catch(onError);
    boards.connect();
    const close = async () => {
      closing.abort();
      await publish(stoppingNews({ hub: name })).catch(onError);
      await operations.close();
      await boards.disconnect();
      await hub.close();
      await boards.close();
      await store.close();
    };
    return {
      hub,
      guardian: guard,
      store,
      audit: log,
      events,
      blackboard: boards.blackboard,
      metrics,
      presence,
      closing: closing.signal,
      madeAdminKey,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What keeps the guardian from its work. */
function warningsOf(guard: Guardian): readonly string[] {
  const clock = guard.clockState();
  return clock.state === 'sure' ? [] : [`no grants, sessions or keys are issued: ${clock.reason}`];
}

async function readPolicies(files: readonly string[]): Promise<string> {
  const texts = files.map(async (file) => {
    try {
      return await readFile(resolve(file), 'utf8');
    } catch (cause) {
      throw new UnavailableError(`the policy file ${file} cannot be read`, { cause });
    }
  });
  return (await Promise.all(texts)).join('\n');
}
