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
  return {
    call,
    principal: call.principal,
    signal: call.signal,
    progress: async (step) => call.channel.progress?.(step),
    log: async (level, data, logger) => call.channel.log?.(level, data, logger),
  };
}
