/** Keeps writes back while somebody asks where the store stands: so that whatever is written after the question is behind its answer. */
export interface Gate {
  /** Asks. */
  ask<T>(question: () => Promise<T>): Promise<T>;
  /** What writes wait for; undefined when nobody asks. */
  readonly open: Promise<unknown> | undefined;
}

export function createGate(): Gate {
  let open: Promise<unknown> | undefined;
  return {
    ask(question) {
      const answer = question();
      const mine = Promise.allSettled([open, answer]).then(() => {
        if (open === mine) open = undefined;
      });
      open = mine;
      return answer;
    },
    get open() {
      return open;
    },
  };
}
