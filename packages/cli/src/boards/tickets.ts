/** So many at once; who comes later waits for its turn. */
export interface Tickets {
  /** @throws the reason of `signal` when it aborts first. */
  take(signal: AbortSignal): Promise<Disposable>;
}

export function createTickets(count: number): Tickets {
  let free = count;
  const waiting = new Set<() => void>();
  const ticket = (): Disposable => ({
    [Symbol.dispose]() {
      const [next] = waiting;
      if (next === undefined) free += 1;
      else next();
    },
  });
  return {
    take(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return Promise.resolve(ticket());
      }
      return new Promise((resolve, reject) => {
        const giveUp = () => {
          waiting.delete(go);
          reject(signal.reason);
        };
        const go = () => {
          waiting.delete(go);
          signal.removeEventListener('abort', giveUp);
          resolve(ticket());
        };
        waiting.add(go);
        signal.addEventListener('abort', giveUp, { once: true });
      });
    },
  };
}
