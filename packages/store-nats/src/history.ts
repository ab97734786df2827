import { HistoryDroppedError } from '@meshwork/core';
import { ApiError, callApi } from './api.ts';
import type { Message } from './messages.ts';
import { createPager } from './pager.ts';
import type { Parts } from './parts.ts';

/** The changes that are kept for watchers that come back, and the end of that. */
export interface History {
  /** A change was stored at this sequence. */
  grew(sequence: number): void;
  /** @throws {HistoryDroppedError} when changes after the sequence are no longer all there. */
  check(sequence: number): Promise<void>;
  /** Resolves when nothing is being dropped. */
  idle(): Promise<void>;
}

const KEPT = 10_000;
/** So many older ones are dropped at once. */
const STEP = 500;
const PAGE = 100;

/**
 * A change that is older than the last 10,000 and was followed by another of its key is deleted, a key's deletion too: what stays is one message for each
 * key. Whoever drops says so first, in a note: so that a watcher knows what it may have missed, and that whoever finds the work half done does it again.
 */
export function createHistory({ link, stream, root, messages, notes }: Parts): History {
  const subject = `${notes.root}.history`;
  let nextAt = 0;
  let head = 0;
  let running: Promise<void> | undefined;

  const read = async () => {
    const note = await notes.messages.last(subject);
    return { after: note?.sequence ?? 0, dropped: Number(note?.fields[1] ?? 0), swept: Number(note?.fields[2] ?? 0) };
  };
  const write = (after: number, dropped: number, swept: number) =>
    notes.publisher.publish({ subject, after, fields: [dropped, swept], data: new Uint8Array() });
  const dropAll = async (): Promise<void> => {
    while (head >= nextAt && !link.closing.aborted) await drop();
  };
  const drop = async (): Promise<void> => {
    const { after, swept, dropped } = await read();
    const target = head - KEPT;
    nextAt = Math.max(dropped, swept, target) + KEPT + STEP;
    if (target < swept + STEP) {
      nextAt = swept + KEPT + STEP;
      return;
    }
    const claimed = await write(after, target, swept);
    if (claimed === undefined) return;
    await sweep(swept + 1, target);
    await write(claimed, target, target);
  };
  const sweep = async (from: number, to: number): Promise<void> => {
    const pager = createPager({ link, stream, filter: `${root}.>`, from, headersOnly: true });
    try {
      for (;;) {
        const page = await pager.page(PAGE);
        const old = page.filter(({ sequence }) => sequence <= to);
        await Promise.all(old.map((message) => dropIfOver(message, old)));
        if (page.length === 0 || old.length < page.length) return;
      }
    } finally {
      pager.close();
    }
  };
  const dropIfOver = async (message: Message, page: readonly Message[]): Promise<void> => {
    const isFollowed =
      message.fields[1] === 'd' ||
      page.some((other) => other.sequence > message.sequence && other.subject === message.subject) ||
      ((await messages.last(message.subject))?.sequence ?? 0) > message.sequence;
    if (!isFollowed) return;
    try {
      await callApi(link, `STREAM.MSG.DELETE.${stream}`, { seq: message.sequence, no_erase: true });
    } catch (cause) {
      // Somebody else did it.
      if (!(cause instanceof ApiError)) throw cause;
    }
  };

  return {
    grew(sequence) {
      head = Math.max(head, sequence);
      if (head < nextAt || running !== undefined) return;
      // What fails is tried again after the next changes.
      running = dropAll()
        .catch(() => {})
        .finally(() => {
          running = undefined;
        });
    },
    async check(sequence) {
      if ((await read()).dropped > sequence)
        throw new HistoryDroppedError(`changes after revision ${sequence} are no longer all kept; list the keys, then watch from there`);
    },
    async idle() {
      await running;
    },
  };
}
