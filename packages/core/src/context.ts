import type { Call, LogLevel, Progress } from './call.ts';
import type { Principal } from './principal.ts';

/** What a tool, resource or prompt gets beside its arguments. */
export interface CallContext {
  readonly call: Call;
  readonly principal: Principal;
  /** Aborted when the caller gives up, its deadline passes or the hub closes. */
  readonly signal: AbortSignal;
  /** Tells the caller how far the work is; does nothing where the face or the caller cannot take it. */
  progress(step: Progress): Promise<void>;
  /** Sends the caller a log line; does nothing where the face or the caller cannot take it. */
  log(level: LogLevel, data: unknown, logger?: string): Promise<void>;
}

export function createContext(call: Call): CallContext {
  return new ContextOf(call);
}

/**
 * Its functions are made when they are asked for. V8 (Node 24) takes closures that are kept in an object for long-lived, and there is one of
 * these objects for every call: each collection of young objects would copy every call's whole graph.
 */
class ContextOf implements CallContext {
  readonly call: Call;

  constructor(call: Call) {
    this.call = call;
  }

  get principal(): Principal {
    return this.call.principal;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get progress(): CallContext['progress'] {
    const { channel } = this.call;
    return async (step) => channel.progress?.(step);
  }

  get log(): CallContext['log'] {
    const { channel } = this.call;
    return async (level, data, logger) => channel.log?.(level, data, logger);
  }
}
