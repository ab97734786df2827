import type { Call, CallRequest } from './call.ts';
import { type Catalogue, createCatalogue, type Registration } from './catalogue.ts';
import type { ChangeBus } from './change-bus.ts';
import { type Clock, systemClock } from './clock.ts';
import { CancelledError, ClosedError, UnavailableError } from './errors.ts';
import { type IdSource, randomIds } from './ids.ts';
import type { Module } from './module.ts';
import { operationTools } from './operation-tools.ts';
import type { Operations } from './operations.ts';
import { type Chain, Passage, type PassageParts } from './passage.ts';
import type { Principal } from './principal.ts';
import type { CallResult } from './result.ts';
import { createRoster } from './roster.ts';
import { createCall, type RunningCall } from './running-call.ts';
import { type ScopesFor, scopesByEffect, visibleByScopes } from './scopes.ts';
import { enclosingOrder, type SlotName } from './stage.ts';
import { limitScopes } from './stages/limit-scopes.ts';
import { createTeller, type Listenable } from './teller.ts';
import { type CatalogueView, createSight, createViews } from './visibility.ts';
import { within } from './within.ts';

export interface HubOptions {
  readonly modules?: readonly Module[];
  /** What the hub tells about itself. */
  readonly info?: Partial<HubInfo>;
  /** Text for the models that use this hub (MCP `instructions`). */
  readonly instructions?: string;
  /** Carries resource updates to and from other hubs that serve the same resources. */
  readonly bus?: ChangeBus;
  /**
   * Where long work runs; it brings the tools `operation_get`, `operation_list`, `operation_answer` and `operation_cancel`. Without it,
   * tools whose `task` is `optional` run while the caller waits, and `required` ones not at all.
   */
  readonly operations?: Operations;
  /** The scopes a credential that has any needs for a tool, resource or prompt. Default `scopesByEffect`. */
  readonly scopesFor?: ScopesFor;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** Called with what went wrong inside, for the operator's log. Callers see only that something did. */
  readonly onError?: (error: unknown, call: Call | undefined) => void;
}

export interface HubInfo {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
}

export interface HubEvents {
  'call-finished': (event: { readonly call: Call; readonly result: CallResult | undefined; readonly error: unknown; readonly durationMs: number }) => void;
  'catalogue-changed': (event: { readonly kind: 'tools' | 'resources' | 'prompts' }) => void;
  'resource-updated': (event: { readonly uri: string }) => void;
}

/** What modules may use of the hub they are in. */
export interface HubHandle {
  readonly info: HubInfo;
  /** Everything there is, whoever asks. Lists for callers come from `visibleTo`. */
  readonly catalogue: Catalogue;
  /** What of the catalogue this caller may call, as the modules' `visibility` says. Cheap: it is remembered. */
  visibleTo(principal: Principal): CatalogueView;
  /** Whether this caller may know of a resource, by its URI: whether it would be let read it. Cheap: it is remembered. */
  maySee(principal: Principal, uri: string): boolean;
  readonly operations: Operations | undefined;
  /** The scopes a credential that has any needs for a target. */
  readonly scopesFor: ScopesFor;
  /** Events to listen to; a listener that throws does not disturb the hub. */
  readonly events: Listenable<HubEvents>;
  /**
   * The one way in, for every face. A tool's own failure is an answer with `isError`; a refusal before the tool is one too.
   *
   * @throws {NotFoundError} when nothing has that name (a resource or a prompt: also when its work fails, with the error of that).
   */
  call(request: CallRequest): Promise<CallResult>;
  /** Adds tools, resources and prompts while the hub runs; the function returned takes them out again. */
  register(registration: Registration): () => void;
  /** Tells whoever watches that a resource has changed. `onlyHere`: not those at other hubs, which learn of the change by themselves. */
  resourceUpdated(uri: string, options?: { readonly onlyHere?: boolean }): void;
}

export interface Hub extends HubHandle, AsyncDisposable {
  readonly instructions: string | undefined;
  /**
   * Refuses new calls, waits for those under way (cancelling them after `graceMs`, default 5,000), then closes the modules, each of which has
   * `moduleMs` (default 10,000).
   *
   * @throws {UnavailableError} when a module takes longer; the others are closed all the same.
   */
  close(options?: { readonly graceMs?: number; readonly moduleMs?: number }): Promise<void>;
}

/**
 * Wires modules into a hub: one catalogue, and one chain of stages in the order of `enclosingOrder`. Within a slot, stages stand in the
 * order of the modules.
 *
 * @throws {ConflictError} when two modules bring one name, {@link NotFoundError} when a tool requires one that nobody brings.
 */
export function createHub(options: HubOptions = {}): Hub {
  const { modules = [], operations, clock = systemClock, ids = randomIds, scopesFor = scopesByEffect, onError = () => {} } = options;
  const info: HubInfo = { name: 'meshwork', version: '0.1.0', ...options.info };
  const { events, tell: emit, close: hush } = createTeller<HubEvents>((error) => onError(error, undefined));
  const catalogue = createCatalogue({ onChange: (kind) => emit('catalogue-changed', { kind }) });
  const underWay = createRoster<RunningCall>();
  let idle: (() => void) | undefined;
  let closed: Promise<void> | undefined;

  const onOut: PassageParts['onOut'] = (call, result, error, durationMs) => {
    emit('call-finished', { call, result, error, durationMs });
    underWay.delete(call);
    if (underWay.size === 0) idle?.();
  };
  const parts: PassageParts = { chain: chainOf(modules, scopesFor), catalogue, operations, onError, onOut };

  const rules = modules.map((module) => module.visibility).filter((visibility) => visibility !== undefined);
  const scopedRules = [visibleByScopes(scopesFor), ...rules];
  const views = createViews(catalogue, rules);
  const scopedViews = createViews(catalogue, scopedRules);
  const sight = createSight(catalogue, rules);
  const scopedSight = createSight(catalogue, scopedRules);
  const handle: HubHandle = {
    info,
    catalogue,
    visibleTo: (principal) => (principal.scopes === undefined ? views : scopedViews)(principal),
    maySee: (principal, uri) => (principal.scopes === undefined ? sight : scopedSight)(principal, uri),
    operations,
    scopesFor,
    events,
    register: (registration) => catalogue.register(registration),
    resourceUpdated(uri, { onlyHere = false } = {}) {
      emit('resource-updated', { uri });
      if (!onlyHere) options.bus?.publish({ type: 'resource-updated', uri });
    },
    call(request) {
      if (closed !== undefined) return Promise.reject(new ClosedError('the hub is closing and takes no more calls; try again when it is back'));
      const call = createCall(request, ids('call'), clock.now());
      underWay.add(call);
      return new Passage(call, parts).run();
    },
  };

  catalogue.register({
    tools: [...modules.flatMap((module) => module.tools ?? []), ...(operations === undefined ? [] : operationTools(operations))],
    resources: modules.flatMap((module) => module.resources ?? []),
    prompts: modules.flatMap((module) => module.prompts ?? []),
  });
  for (const module of modules) module.attach?.(handle);
  const leaveBus = options.bus?.subscribe(({ uri }) => emit('resource-updated', { uri }));

  async function shutDown({ graceMs = 5_000, moduleMs = 10_000 }: { graceMs?: number; moduleMs?: number } = {}): Promise<void> {
    const grace = setTimeout(() => {
      for (const { ending } of underWay.members()) ending.cancel(new CancelledError('the hub is closing'));
    }, graceMs);
    if (underWay.size > 0)
      await new Promise<void>((resolve) => {
        idle = resolve;
      });
    clearTimeout(grace);
    leaveBus?.();
    const failures: unknown[] = [];
    for (const module of modules.toReversed()) {
      try {
        await within(moduleMs, Promise.resolve(module.close?.()), () => tooSlow(module, moduleMs));
      } catch (error) {
        failures.push(error);
      }
    }
    hush();
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} modules failed to close`);
  }

  const close: Hub['close'] = (times) => {
    closed ??= shutDown(times);
    return closed;
  };
  return Object.assign(handle, { instructions: options.instructions, close, [Symbol.asyncDispose]: () => close() });
}

function tooSlow({ name }: Module, ms: number): UnavailableError {
  return new UnavailableError(`the module ${name} did not close in ${ms / 1_000} seconds; what it had under way may be lost`);
}

function chainOf(modules: readonly Module[], scopesFor: ScopesFor): Chain {
  return enclosingOrder.flatMap((slot): Chain => {
    if (slot === 'resolve' || slot === 'validate' || slot === 'execute') return [slot];
    const stages = modules.map((module) => module.stages?.[slot as SlotName]).filter((stage) => stage !== undefined);
    return slot === 'authorize' ? [limitScopes(scopesFor), ...stages] : stages;
  });
}
