import type { KeyValueEntry } from '@meshwork/core';
import { revisionOf, stateOf, timeLeft } from './key-state.ts';
import { createPager } from './pager.ts';
import type { Parts } from './parts.ts';
import { filterOf, keyOf, subjectOf } from './subjects.ts';
import { fromContent } from './value.ts';

/** Bytes of names held at once, and of values. */
const NAME_BYTES = 3_000_000;
const VALUE_BYTES = 2_000_000;
const MOST_VALUES = 200;
const PAGE = 500;
/** What a name takes beside its bytes. */
const NAME_COST = 64;

interface Name {
  /** The key's UTF-8, each byte as a character: the order of such strings is that of the bytes, and they take no more room than these. */
  readonly bytes: string;
  /** Bytes of its value. */
  readonly size: number;
}

/**
 * The entries under a prefix in the order of their keys. JetStream gives subjects in the order of their last changes, so that the names are gone
 * through, without the values, and the first ones kept, as many as a fixed room holds; these are read one page after another; and so on with the next.
 */
export async function* listKeys(
  parts: Parts,
  prefix: string,
  { limit = Number.POSITIVE_INFINITY, after = '' }: { readonly limit?: number; readonly after?: string } = {},
): AsyncGenerator<KeyValueEntry, void, undefined> {
  let left = limit;
  let last = toBytes(after);
  while (left > 0) {
    const { names, more } = await firstNames(parts, prefix, last, left);
    for (let start = 0; start < names.length && left > 0; ) {
      const page = names.slice(start, start + Math.min(left, lengthOfPage(names, start)));
      start += page.length;
      const entries = await Promise.all(page.map(({ bytes }) => entryOf(parts, fromBytes(bytes))));
      for (const entry of entries) {
        if (entry === undefined) continue;
        left -= 1;
        yield entry;
      }
    }
    if (!more) return;
    last = names.at(-1)?.bytes ?? last;
  }
}

/** The first names after one; `more`: there are others behind them. */
async function firstNames({ link, stream, root, now }: Parts, prefix: string, after: string, limit: number) {
  const pager = createPager({ link, stream, filter: filterOf(root, prefix), headersOnly: true });
  let names: Name[] = [];
  let cost = 0;
  let end: string | undefined;
  const tidy = () => {
    names.sort((a, b) => (a.bytes < b.bytes ? -1 : a.bytes > b.bytes ? 1 : 0));
    // A key that was changed on the way came twice.
    names = names.filter(({ bytes }, index) => bytes !== names[index - 1]?.bytes);
    let length = 0;
    cost = 0;
    for (const { bytes } of names) {
      if (length >= limit || (length > 0 && cost > NAME_BYTES / 2)) break;
      cost += bytes.length + NAME_COST;
      length += 1;
    }
    if (length === names.length) return;
    names.length = length;
    end = names.at(-1)?.bytes;
  };
  try {
    for (;;) {
      const page = await pager.page(PAGE);
      for (const message of page) {
        if (revisionOf(stateOf(message), now()) === 0) continue;
        const bytes = toBytes(keyOf(root, message.subject));
        if (bytes <= after || (end !== undefined && bytes > end)) continue;
        names.push({ bytes, size: message.size });
        cost += bytes.length + NAME_COST;
        if (cost > NAME_BYTES || names.length > 2 * limit + PAGE) tidy();
      }
      if (page.length === 0 || page.at(-1)?.pending === 0) break;
    }
  } finally {
    pager.close();
  }
  tidy();
  return { names, more: end !== undefined };
}

function toBytes(key: string): string {
  return Buffer.from(key).toString('latin1');
}

function fromBytes(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

function lengthOfPage(names: readonly Name[], start: number): number {
  let bytes = 0;
  let length = 0;
  for (; length < MOST_VALUES && start + length < names.length; length++) {
    bytes += names[start + length]?.size ?? 0;
    if (length > 0 && bytes > VALUE_BYTES) break;
  }
  return length;
}

async function entryOf({ root, messages, now }: Parts, key: string): Promise<KeyValueEntry | undefined> {
  const message = await messages.last(subjectOf(root, key));
  const state = stateOf(message);
  if (message === undefined || revisionOf(state, now()) === 0) return undefined;
  return { key, value: fromContent(message.fields[1], message.data), revision: message.revision, ...timeLeft(state, now()) };
}
