/** Keeps requests in the order they were made, though some have to be made ready first: the next goes out when those before it have, and waits for no answer. */
export interface Turns {
  next<T>(request: () => Promise<T>): Promise<T>;
  /** One that needs something first. Where that fails, the request is not made. */
  after<Ready, T>(ready: Promise<Ready>, request: (ready: Ready) => Promise<T>): Promise<T>;
  /** Begins to listen in turn, so that it hears of all that is written from now on and of nothing from before; `open` makes each item readable. */
  begin<T>(items: AsyncIterable<T>, open: (item: T) => Promise<T>): AsyncIterable<T>;
}

export function createTurns(): Turns {
  /** Never rejects. Undefined: everything has gone out. */
  let last: Promise<void> | undefined;

  const inTurn = <Ready, T>(ready: Promise<Ready>, request: (ready: Ready) => Promise<T>): Promise<T> => {
    const before = last;
    let answer: Promise<T> | undefined;
    const mine: Promise<void> = Promise.allSettled([before, ready]).then(([, made]) => {
      answer = made.status === 'fulfilled' ? request(made.value) : Promise.reject(made.reason);
      answer.catch(() => {});
      if (last === mine) last = undefined;
    });
    last = mine;
    return mine.then(() => answer as Promise<T>);
  };
  const next = <T>(request: () => Promise<T>): Promise<T> => (last === undefined ? request() : inTurn(Promise.resolve(), request));
  return {
    next,
    after: inTurn,
    begin: <T>(items: AsyncIterable<T>, open: (item: T) => Promise<T>): AsyncIterable<T> => ({
      [Symbol.asyncIterator]() {
        const iterator = items[Symbol.asyncIterator]();
        let hasBegun = false;
        return {
          async next() {
            const asked = hasBegun ? iterator.next() : next(() => iterator.next());
            hasBegun = true;
            const result = await asked;
            return result.done === true ? result : { done: false, value: await open(result.value) };
          },
          return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
        };
      },
    }),
  };
}
