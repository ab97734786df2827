import { UnavailableError, UnknownOutcomeError } from './errors.ts';
import type { Store } from './key-value-store.ts';
import { within } from './within.ts';

export interface PatienceOptions {
  /** Milliseconds the store has to answer one request. Default 5,000. */
  readonly patienceMs?: number;
}

/** While the store is silent, one request in so many milliseconds is let through to find out whether it still is. */
const PROBE_MS = 1_000;

/**
 * A store that answers in time or fails: so that whoever waits for a store that hangs is told, and what waits does not pile up. A request that
 * is given up goes on in the store. While the store is silent nearly all requests fail at once; its first answer, be it late, ends that.
 * `watch` and `follow` wait as long as they are to.
 *
 * Reads fail with an {@link UnavailableError}; writes with an {@link UnknownOutcomeError}, for they may have happened, unless they were not sent.
 */
export function withPatience(store: Store, { patienceMs = 5_000 }: PatienceOptions = {}): Store {
  let isSilent = false;
  let probedAt = Number.NEGATIVE_INFINITY;
  const heard = () => {
    isSilent = false;
  };

  const ask = async <T>(request: () => Promise<T>, late: () => Error): Promise<T> => {
    if (isSilent) {
      const now = performance.now();
      if (now - probedAt < PROBE_MS) throw silent(patienceMs);
      probedAt = now;
    }
    const answer = request();
    answer.then(heard, heard);
    return within(patienceMs, answer, () => {
      isSilent = true;
      return late();
    });
  };
  const read = <T>(request: () => Promise<T>) => ask(request, () => silent(patienceMs));
  const write = <T>(request: () => Promise<T>) => ask(request, () => unknown(patienceMs));
  async function* pages<T>(items: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    const iterator = items[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await read(() => iterator.next());
        if (done) return;
        yield value;
      }
    } finally {
      // Not waited for: an iterator that hangs hangs here too.
      iterator.return?.().catch(() => {});
    }
  }

  const past = store.appendPast?.bind(store);
  return {
    ...(store.durability !== undefined && { durability: store.durability }),
    get: (key) => read(() => store.get(key)),
    put: (key, value, options) => write(() => store.put(key, value, options)),
    delete: (key, options) => write(() => store.delete(key, options)),
    list: (prefix, options) => pages(store.list(prefix, options)),
    watch: (prefix, options) => store.watch(prefix, options),
    append: (stream, records, options) => write(() => store.append(stream, records, options)),
    ...(past && { appendPast: (stream, records, options) => write(() => past(stream, records, options)) }),
    read: (stream, options) => pages(store.read(stream, options)),
    follow: (stream, options) => store.follow(stream, options),
    streams: (prefix) => pages(store.streams(prefix)),
    head: (stream) => read(() => store.head(stream)),
    trim: (stream, before) => write(() => store.trim(stream, before)),
    close: () => store.close(),
  };
}

function silent(patienceMs: number): UnavailableError {
  return new UnavailableError(`the store has not answered for ${patienceMs / 1_000} seconds; try again when it works`);
}

function unknown(patienceMs: number): UnknownOutcomeError {
  return new UnknownOutcomeError(`the store has not answered for ${patienceMs / 1_000} seconds; the change may have been made: look before trying again`);
}
