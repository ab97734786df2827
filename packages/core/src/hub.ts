import { EventEmitter } from 'eventemitter3';
import type { Call, CallRequest } from './call.ts';
import { type CallSignal, createCallSignal } from './call-signal.ts';
import { type Catalogue, createCatalogue, type Registration } from './catalogue.ts';
import { type Clock, systemClock } from './clock.ts';
import { createContext } from './context.ts';
import { CancelledError, ClosedError } from './errors.ts';
import { type IdSource, randomIds } from './ids.ts';
import type { Module } from './module.ts';
import type { CallResult } from './result.ts';
import { enclosingOrder, type SlotName, type Stage, type Target } from './stage.ts';
import { execute } from './stages/execute.ts';
import { resolve } from './stages/resolve.ts';
import { validate } from './stages/validate.ts';
import { failureAnswer } from './tool-failure.ts';

export interface HubOptions {
  readonly modules?: readonly Module[];
  /** What the hub tells about itself. */
  readonly info?: Partial<HubInfo>;
  /** Text for the models that use this hub (MCP `instructions`). */
  readonly instructions?: string;
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
  readonly catalogue: Catalogue;
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
  const { modules = [], clock = systemClock, ids = randomIds, onError = () => {} } = options;
  const info: HubInfo = { name: 'meshwork', version: '0.1.0', ...options.info };
  const emitter = new EventEmitter<HubEvents>();
  const emit: Emit = (name, event) => {
    for (const listener of emitter.listeners(name)) {
      try {
        (listener as (payload: typeof event) => void)(event);
      } catch (error) {
        onError(error, undefined);
      }
    }
  };
  const catalogue = createCatalogue({ onChange: (kind) => emit('catalogue-changed', { kind }) });
  const chain = chainOf(modules);
  const underWay = new Map<Promise<unknown>, CallSignal>();
  let closed: Promise<void> | undefined;

  async function run(call: Call): Promise<CallResult> {
    const started = performance.now();
    const finished = (result: CallResult | undefined, error: unknown) =>
      emit('call-finished', { call, result, error, durationMs: performance.now() - started });
    try {
      const result = await pass(call, chain, catalogue, onError);
      finished(result, undefined);
      return result;
    } catch (error) {
      finished(undefined, error);
      throw error;
    }
  }

  const handle: HubHandle = {
    info,
    catalogue,
    events: emitter,
    register: (registration) => catalogue.register(registration),
    resourceUpdated: (uri) => emit('resource-updated', { uri }),
    async call(request) {
      if (closed !== undefined) throw new ClosedError('the hub is closing and takes no more calls; try again when it is back');
      const receivedAt = clock.now();
      const callSignal = createCallSignal(request.signal, request.deadline === undefined ? undefined : request.deadline - receivedAt);
      const work = run({
        ...request,
        id: ids('call'),
        kind: request.kind ?? 'tool',
        channel: request.channel ?? {},
        signal: callSignal.signal,
        receivedAt,
        decisions: [],
      });
      underWay.set(work, callSignal);
      try {
        return await work;
      } finally {
        underWay.delete(work);
        callSignal.release();
      }
    },
  };

  catalogue.register({
    tools: modules.flatMap((module) => module.tools ?? []),
    resources: modules.flatMap((module) => module.resources ?? []),
    prompts: modules.flatMap((module) => module.prompts ?? []),
  });
  for (const module of modules) module.attach?.(handle);

  async function shutDown(graceMs: number): Promise<void> {
    const grace = setTimeout(() => {
      for (const callSignal of underWay.values()) callSignal.cancel(new CancelledError('the hub is closing'));
    }, graceMs);
    await Promise.allSettled(underWay.keys());
    clearTimeout(grace);
    for (const module of modules.toReversed()) await module.close?.();
    emitter.removeAllListeners();
  }

  const close = ({ graceMs = 5_000 } = {}): Promise<void> => {
    closed ??= shutDown(graceMs);
    return closed;
  };
  return Object.assign(handle, { instructions: options.instructions, close, [Symbol.asyncDispose]: () => close() });
}

type Emit = <Name extends keyof HubEvents>(name: Name, event: Parameters<HubEvents[Name]>[0]) => void;
type Chain = readonly (Stage | 'resolve' | 'validate' | 'execute')[];

function chainOf(modules: readonly Module[]): Chain {
  return enclosingOrder.flatMap((slot): Chain => {
    if (slot === 'resolve' || slot === 'validate' || slot === 'execute') return [slot];
    return modules.map((module) => module.stages?.[slot as SlotName]).filter((stage) => stage !== undefined);
  });
}

/**
 * Runs one call through the chain. What the tool slots throw becomes the tool's failure answer where `resolve` stands, so that the
 * outer slots (settle, record, publish) see the answer as the caller will; a failure of an outer slot itself is the hub's.
 */
async function pass(call: Call, chain: Chain, catalogue: Catalogue, onError: NonNullable<HubOptions['onError']>): Promise<CallResult> {
  let target: Target | undefined;
  let args: unknown = call.arguments;
  const step = {
    call,
    get target() {
      return target;
    },
  };
  const at = async (index: number): Promise<CallResult> => {
    const stage = chain[index];
    switch (stage) {
      case undefined:
        throw new Error('the chain of stages has no end');
      case 'resolve':
        target = resolve(call, catalogue);
        try {
          return await at(index + 1);
        } catch (error) {
          return failureAnswer(error, call, onError);
        }
      case 'validate':
        args = await validate(call, target as Target);
        return at(index + 1);
      case 'execute':
        call.signal.throwIfAborted();
        return execute(target as Target, args, createContext(call));
      default:
        return stage(step, () => at(index + 1));
    }
  };
  try {
    return await at(0);
  } catch (error) {
    if (target?.kind === 'tool') return failureAnswer(error, call, onError);
    throw error;
  }
}
