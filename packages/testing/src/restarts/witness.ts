import { UnavailableError, UnknownOutcomeError } from '@meshwork/core';

/** How a write ended for its caller: done, certainly not done, or nobody knows. */
export type Ending = 'done' | 'not-done' | 'unknown';

/** Counts how writes ended, and notes whatever may not be. */
export interface Witness {
  readonly endings: Readonly<Record<Ending, number>>;
  readonly faults: readonly string[];
  fault(text: string): void;
  /** Runs one write and says how it ended. One that takes longer than any deadline, or fails in no stated way, is a fault. */
  write<T>(what: string, work: () => Promise<T>): Promise<{ readonly ending: Ending; readonly value?: T }>;
  /** Reads again and again while the engine is away. */
  read<T>(what: string, work: () => Promise<T>): Promise<T>;
}

/** Longer than a driver may keep its caller waiting, on a busy machine too. */
const LONGEST_CALL_MS = 30_000;
const RETRY_MS = 20;

export function createWitness(): Witness {
  const endings = { done: 0, 'not-done': 0, unknown: 0 };
  const faults: string[] = [];
  const fault = (text: string) => void (faults.length < 20 && faults.push(text));
  return {
    endings,
    faults,
    fault,
    async write(what, work) {
      try {
        const value = await inTime(what, work());
        endings.done += 1;
        return { ending: 'done', value };
      } catch (error) {
        const ending = endingOf(error);
        if (ending === undefined) fault(`${what} failed in no stated way: ${String(error)}`);
        endings[ending ?? 'unknown'] += 1;
        return { ending: ending ?? 'unknown' };
      }
    },
    async read(what, work) {
      for (;;) {
        try {
          return await inTime(what, work());
        } catch (error) {
          if (!(error instanceof UnavailableError)) throw error;
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
    },
  };
}

function endingOf(error: unknown): Ending | undefined {
  if (error instanceof UnknownOutcomeError) return 'unknown';
  return error instanceof UnavailableError ? 'not-done' : undefined;
}

function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} has not ended after ${LONGEST_CALL_MS} ms`)), LONGEST_CALL_MS);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
