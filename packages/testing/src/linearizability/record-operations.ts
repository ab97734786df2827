import type { Operation } from './operation.ts';

export interface RecorderOptions {
  /** Whether an error says that the operation certainly did not happen: it is left out of the history then. Default: none does. */
  readonly didNotHappen?: (error: unknown) => boolean;
}

/** Writes down what clients do, for the checker. */
export interface OperationRecorder<Input, Output> {
  /**
   * Runs one operation and gives its outcome, throws its error. One that fails stays in the history as pending, unless the error says that it did not
   * happen; so does one that never ends.
   */
  perform(client: string, input: Input, work: () => Promise<Output>): Promise<Output>;
  /** What has been recorded until now. */
  history(): readonly Operation<Input, Output>[];
}

/** Times are the numbers of the events, so that no clock can put two of them in the wrong order. */
export function recordOperations<Input, Output>({ didNotHappen = () => false }: RecorderOptions = {}): OperationRecorder<Input, Output> {
  const operations = new Map<number, Operation<Input, Output>>();
  let events = 0;
  return {
    async perform(client, input, work) {
      events += 1;
      const called = events;
      operations.set(called, { client, input, called });
      try {
        const output = await work();
        events += 1;
        operations.set(called, { client, input, output, called, returned: events });
        return output;
      } catch (error) {
        if (didNotHappen(error)) operations.delete(called);
        throw error;
      }
    },
    history: () => [...operations.values()],
  };
}
