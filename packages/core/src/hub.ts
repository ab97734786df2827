import { EventEmitter } from 'eventemitter3';
import type { Call, CallRequest } from './call.ts';
import { type Catalogue, createCatalogue, type Registration } from './catalogue.ts';
import type { ChangeBus } from './change-bus.ts';
import { type Clock, systemClock } from './clock.ts';
import { createContext } from './context.ts';
import { CancelledError, ClosedError } from './errors.ts';
import { type IdSource, randomIds } from './ids.ts';
import type { Module } from './module.ts';
import { operationTools } from './operation-tools.ts';
import type { Operations } from './operations.ts';
import type { Principal } from './principal.ts';
import type { CallResult } from './result.ts';
import { createRoster } from './roster.ts';
import { createCall, type RunningCall } from './running-call.ts';
import { type ScopesFor, scopesByEffect, visibleByScopes } from './scopes.ts';
import { enclosingOrder, type SlotName, type Stage, type StageStep, type Target } from './stage.ts';
import { execute } from './stages/execute.ts';
import { executeLong, refuseWithoutTask } from './stages/execute-long.ts';
import { limitScopes } from './stages/limit-scopes.ts';
import { resolve } from './stages/resolve.ts';
import { validate } from './stages/validate.ts';
import { failureAnswer } from './tool-failure.ts';
import { type CatalogueView, createViews } from './visibility.ts';

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
  readonly operations: Operations | undefined;
  /** The scopes a credential that has any needs for a target. */
  readonly scopesFor: ScopesFor;
  /** Events to listen to; a listener that throws does not disturb the hub. */
  readonly events: Pick<EventEmitter<HubEvents>, 'on' | 'off' | 'once'>;
  /**
   * The one way in, for every face. A tool's own failure is an answer with `isError`; a refusal before the tool is one too.
   *
   * @throws {NotFoundError} when nothing has that name (a resource or a prompt: also when its work fails, with the error of that).
   */
  call(request: CallRequest): Promise<CallResult>;
  /** Adds tools, resources and prompts while the hub runs; the function returned takes them out again. */
  register(registration: Registration): () => void;
  /** Tells whoever watches that a resource has changed. */
  resourceUpdated(uri: string): void;
}

export interface Hub extends HubHandle, AsyncDisposable {
  readonly instructions: string | undefined;
  /** Refuses new calls, waits for those under way (cancelling them after `graceMs`, default 5,000), then closes the modules. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
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
  const emitter = new EventEmitter<HubEvents>();
  const emit: Emit = (name, event) => {
    if (emitter.listenerCount(name) === 0) return;
    for (const listener of emitter.listeners(name)) {
      // Called by hand, so that one listener's throw does not keep the next from hearing; one that listens once is taken off by hand too.
      emitter.off(name, listener, undefined, true);
      try {
        (listener as (payload: typeof event) => void)(event);
      } catch (error) {
        onError(error, undefined);
      }
    }
  };
  const catalogue = createCatalogue({ onChange: (kind) => emit('catalogue-changed', { kind }) });
  const parts: Parts = { chain: chainOf(modules, scopesFor), catalogue, operations, onError };
  const underWay = createRoster<RunningCall>();
  let idle: (() => void) | undefined;
  let closed: Promise<void> | undefined;

  async function run(call: RunningCall): Promise<CallResult> {
    const started = performance.now();
    const finished = (result: CallResult | undefined, error: unknown) =>
      emit('call-finished', { call, result, error, durationMs: performance.now() - started });
    try {
      const result = await new Passage(call, parts).run();
      finished(result, undefined);
      return result;
    } catch (error) {
      finished(undefined, error);
      throw error;
    } finally {
      underWay.delete(call);
      call.ending.release();
      if (underWay.size === 0) idle?.();
    }
  }

  const rules = modules.map((module) => module.visibility).filter((visibility) => visibility !== undefined);
  const views = createViews(catalogue, rules);
  const scopedViews = createViews(catalogue, [visibleByScopes(scopesFor), ...rules]);
  const handle: HubHandle = {
    info,
    catalogue,
    visibleTo: (principal) => (principal.scopes === undefined ? views : scopedViews)(principal),
    operations,
    scopesFor,
    events: emitter,
    register: (registration) => catalogue.register(registration),
    resourceUpdated(uri) {
      emit('resource-updated', { uri });
      options.bus?.publish({ type: 'resource-updated', uri });
    },
    call(request) {
      if (closed !== undefined) return Promise.reject(new ClosedError('the hub is closing and takes no more calls; try again when it is back'));
      const call = createCall(request, ids('call'), clock.now());
      underWay.add(call);
      return run(call);
    },
  };

  catalogue.register({
    tools: [...modules.flatMap((module) => module.tools ?? []), ...(operations === undefined ? [] : operationTools(operations))],
    resources: modules.flatMap((module) => module.resources ?? []),
    prompts: modules.flatMap((module) => module.prompts ?? []),
  });
  for (const module of modules) module.attach?.(handle);
  const leaveBus = options.bus?.subscribe(({ uri }) => emit('resource-updated', { uri }));

  async function shutDown(graceMs: number): Promise<void> {
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
        await module.close?.();
      } catch (error) {
        failures.push(error);
      }
    }
    emitter.removeAllListeners();
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} modules failed to close`);
  }

  const close = ({ graceMs = 5_000 } = {}): Promise<void> => {
    closed ??= shutDown(graceMs);
    return closed;
  };
  return Object.assign(handle, { instructions: options.instructions, close, [Symbol.asyncDispose]: () => close() });
}

type Emit = <Name extends keyof HubEvents>(name: Name, event: Parameters<HubEvents[Name]>[0]) => void;
type Chain = readonly (Stage | 'resolve' | 'validate' | 'execute')[];

/** What a passage needs of its hub. */
interface Parts {
  readonly chain: Chain;
  readonly catalogue: Catalogue;
  readonly operations: Operations | undefined;
  readonly onError: NonNullable<HubOptions['onError']>;
}

function chainOf(modules: readonly Module[], scopesFor: ScopesFor): Chain {
  return enclosingOrder.flatMap((slot): Chain => {
    if (slot === 'resolve' || slot === 'validate' || slot === 'execute') return [slot];
    const stages = modules.map((module) => module.stages?.[slot as SlotName]).filter((stage) => stage !== undefined);
    return slot === 'authorize' ? [limitScopes(scopesFor), ...stages] : stages;
  });
}

/** One call's way through the chain, and what the hub's own slots find out on it. */
class Passage implements StageStep {
  readonly call: RunningCall;
  target: Target | undefined;
  #arguments: unknown;
  readonly #hub: Parts;

  constructor(call: RunningCall, hub: Parts) {
    this.call = call;
    this.#hub = hub;
  }

  async run(): Promise<CallResult> {
    try {
      return await this.#at(0);
    } catch (error) {
      if (this.target?.kind === 'tool') return failureAnswer(error, this.call, this.#hub.onError);
      throw error;
    }
  }

  /** Not `async`, because every call passes here a dozen times; a stage that throws at once rejects all the same. */
  #at(index: number): Promise<CallResult> {
    const stage = this.#hub.chain[index];
    if (typeof stage === 'function') {
      try {
        return stage(this, () => this.#at(index + 1));
      } catch (error) {
        return Promise.reject(error);
      }
    }
    if (stage === 'resolve') return this.#resolve(index);
    if (stage === 'validate') return this.#validate(index);
    if (stage === 'execute') return this.#execute();
    return Promise.reject(new Error('the chain of stages has no end'));
  }

  /**
   * What the tool slots throw becomes the tool's failure answer here, so that the outer slots (settle, record, publish) see the answer as
   * the caller will; a failure of an outer slot itself is the hub's.
   */
  async #resolve(index: number): Promise<CallResult> {
    this.target = resolve(this.call, this.#hub.catalogue);
    try {
      return await this.#at(index + 1);
    } catch (error) {
      return failureAnswer(error, this.call, this.#hub.onError);
    }
  }

  async #validate(index: number): Promise<CallResult> {
    const target = this.target as Target;
    refuseWithoutTask(target, this.call, this.#hub.operations);
    const parsed = validate(this.call, target);
    this.#arguments = parsed instanceof Promise ? await parsed : parsed;
    return this.#at(index + 1);
  }

  async #execute(): Promise<CallResult> {
    this.call.ending.throwIfEnded();
    const target = this.target as Target;
    if (target.kind !== 'tool' || target.tool.task === undefined) return execute(target, this.#arguments, createContext(this.call), this.call.ending);
    return executeLong(target, this.#arguments, this.call, this.#hub);
  }
}
