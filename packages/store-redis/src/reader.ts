import { UnavailableError } from '@meshwork/core';
import { type Connection, LostError, RefusedError } from './connection.ts';
import { runScript, type Script } from './script.ts';

/** Reads. A connection that turns out to be dead is made anew once, since reading twice does no harm. */
export interface Reader {
  /** One command. @throws {UnavailableError} */
  read(...command: readonly (string | Buffer)[]): Promise<unknown>;
  /** One script. @throws {UnavailableError} */
  run(script: Script, keys: readonly string[], values: readonly (string | Buffer)[]): Promise<unknown>;
}

export function createReader(connection: Connection): Reader {
  const ask = async (question: () => Promise<unknown>): Promise<unknown> => {
    try {
      return await question().catch((error) => {
        // A server that was silent once would be so again, and the caller has waited long enough.
        if (error instanceof LostError && !error.silent) return question();
        throw error;
      });
    } catch (cause) {
      if (cause instanceof LostError || cause instanceof RefusedError)
        throw new UnavailableError(`Redis cannot read: ${cause.message}; retry later`, { cause });
      throw cause;
    }
  };
  return {
    read: (...command) => ask(() => connection.run(command)),
    run: (script, keys, values) => ask(() => runScript(connection, script, keys, values)),
  };
}
