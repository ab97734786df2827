import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '@meshwork/core';

/** One run of a node's program, from its start to its crash. Whatever the program began belongs to it, across every `await`. */
export interface Life {
  readonly node: string;
  readonly clock: Required<Clock>;
  /** How fast its machine's time runs; 1 is right. */
  rate(): number;
  isOver(): boolean;
}

/** Whose code is running; nobody's is the test's own. */
export const livingAs = new AsyncLocalStorage<Life>();

/** A promise of the simulated world. It is never kept to a life that is over. */
export function promiseTo<T>(life: Life, begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    if (life.isOver()) return;
    begin(
      (value) => {
        if (!life.isOver()) resolve(value);
      },
      (error) => {
        if (!life.isOver()) reject(error);
      },
    );
  });
}
