import { UnavailableError } from '@meshwork/core';
import { type Connection, LostError, RefusedError } from './connection.ts';

/** Reads. A connection that turns out to be dead is made anew once, since reading twice does no harm. */
export interface Reader {
  /** @throws {UnavailableError} */
  read<Row>(name: string, text: string, values: readonly unknown[]): Promise<readonly Row[]>;
}

export function createReader(connection: Connection): Reader {
  return {
    async read<Row>(name: string, text: string, values: readonly unknown[]) {
      try {
        return await connection.run<Row>(name, text, values).catch((error) => {
          // A server that was silent once would be so again, and the caller has waited long enough.
          if (error instanceof LostError && !error.isSilent) return connection.run<Row>(name, text, values);
          throw error;
        });
      } catch (cause) {
        if (cause instanceof LostError || cause instanceof RefusedError)
          throw new UnavailableError(`PostgreSQL cannot read: ${cause.message}; retry later`, { cause });
        throw cause;
      }
    },
  };
}
