import type { KeyValueEntry, Store } from '@meshwork/core';
import { isOurMark } from '../store/migration-mark.ts';

/** A key of one store or both. */
export interface KeyOfBoth {
  readonly key: string;
  readonly source: KeyValueEntry | undefined;
  readonly target: KeyValueEntry | undefined;
}

/** All keys of two stores, each once, in the order of their bytes, but for the marks a store keeps of itself. */
export async function* bothKeys(from: Store, to: Store): AsyncGenerator<KeyOfBoth, void, undefined> {
  const sources = from.list('')[Symbol.asyncIterator]();
  const targets = to.list('')[Symbol.asyncIterator]();
  const next = async (entries: AsyncIterator<KeyValueEntry>): Promise<KeyValueEntry | undefined> => {
    for (;;) {
      const { done, value } = await entries.next();
      if (done === true) return undefined;
      if (!isOurMark(value.key)) return value;
    }
  };
  let [source, target] = await Promise.all([next(sources), next(targets)]);
  while (source !== undefined || target !== undefined) {
    const order = source === undefined ? 1 : target === undefined ? -1 : compareBytes(source.key, target.key);
    yield { key: (order > 0 ? target : source)?.key ?? '', source: order <= 0 ? source : undefined, target: order >= 0 ? target : undefined };
    if (order <= 0) source = await next(sources);
    if (order >= 0) target = await next(targets);
  }
}

/** A key's lives may be so much apart: two clocks, and the time between the reading of one and the other. */
const SKEW_MS = 2_000;

/** True when both hold the same value, which goes at the same time. */
export function isSameEntry(source: KeyValueEntry, target: KeyValueEntry): boolean {
  return contentOf(source.value).equals(contentOf(target.value)) && isSameLife(source.ttlMs, target.ttlMs);
}

/** A value as bytes: those of JSON and of bytes are never the same. */
export function contentOf(value: KeyValueEntry['value']): Buffer {
  return value instanceof Uint8Array ? Buffer.concat([Buffer.from('b'), value]) : Buffer.from(`j${JSON.stringify(value)}`);
}

function isSameLife(one: number | undefined, other: number | undefined): boolean {
  return one === undefined || other === undefined ? one === other : Math.abs(one - other) <= SKEW_MS;
}

function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
