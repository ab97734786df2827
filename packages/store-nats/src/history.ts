import { HistoryDroppedError } from '@meshwork/core';
import { callApi } from './api.ts';
import type { Message } from './messages.ts';
import { createPager } from './pager.ts';
import type { Parts } from './parts.ts';
import { infoOf } from './streams.ts';

/** The changes that are kept for watchers that come back, and the end of that. */
export interface History {
  /** A change was stored at this sequence. */
  grew(sequence: number): void;
  /** @throws {HistoryDroppedError} when changes after the sequence are no longer all there. */
  check(sequence: number): Promise<void>;
  /** Resolves when nothing is being dropped. */
  idle(): Promise<void>;
}

/** What the store knows of keys, and does with them. */
export interface Keys {
  /** True when it knows that another message of the key came behind this one. */
  isOver(message: Message): boolean;
  /** Stores the message again at the stream's end, unless it is no longer its key's last. */
  move(message: Message): Promise<void>;
}

const KEPT = 10_000;
/** The stream is looked at after so many changes, and so many of its oldest messages are dropped for each change there was meanwhile. */
const STEP = 1_000;
const PACE = 2;
const PAGE = 500;
/** Servers before 2.10 take a tenth of a millisecond for each message they cut off, and do nothing else for the stream meanwhile. */
const SLICE = 100;

/**
 * The stream is cut off at its beginning, many messages at once. A message there that is still its key's present is moved to the end before,
 * under the revision it has. Of n messages in a row at most one for each key, and one for each change behind them, were moved: so that the last
 * 2 × 10,000 + keys hold 10,000 changes. Whoever cuts says so first, in a note, so that a watcher knows what it may have missed. Work that was left half
 * done is begun anew; when two do it at once they do no harm.
 */
export function createHistory({ link, stream, messages, notes }: Parts, keys: Keys): History {
  const subject = `${notes.root}.history`;
  let nextAt = 0;
  let head = 0;
  let running: Promise<void> | undefined;

  const read = async () => {
    const note = await notes.messages.last(subject);
    return { after: note?.sequence ?? 0, dropped: Number(note?.fields[1] ?? 0) };
  };
  const dropAll = async (): Promise<void> => {
    for (let looked = head - STEP; head >= nextAt && !link.closing.aborted; ) {
      const changes = head - looked;
      looked = head;
      nextAt = head + STEP;
      await drop(PACE * Math.max(changes, STEP));
    }
  };
  const drop = async (most: number): Promise<void> => {
    const { first_seq: first, last_seq: last, num_subjects: live = 0 } = (await infoOf(link, stream)).state;
    const kept = 2 * KEPT + live;
    if (last - first < kept + live + STEP) {
      nextAt = Math.max(nextAt, first + kept + live + STEP);
      return;
    }
    const to = Math.min(first + most, last - kept);
    const { after, dropped } = await read();
    if (dropped < to && (await notes.publisher.publish({ subject, after, fields: [to], data: new Uint8Array() })) === undefined) return;
    // What was moved comes on top of what is written.
    nextAt += await moveLive(first, to);
    for (let upTo = Math.min(first + SLICE, to); ; upTo = Math.min(upTo + SLICE, to)) {
      await callApi(link, `STREAM.PURGE.${stream}`, { seq: upTo + 1 });
      if (upTo === to) return;
    }
  };
  const moveLive = async (from: number, to: number): Promise<number> => {
    let moved = 0;
    const pager = createPager({ link, stream, from, headersOnly: true });
    try {
      for (let position = from; position <= to; ) {
        const page = await pager.page(Math.min(PAGE, to - position + 1));
        if (page.length === 0) throw new Error(`the stream ${stream} ends before ${to}`);
        const latest = new Map(page.map((message) => [message.subject, message]));
        const done = await Promise.all([...latest.values()].map(moveIfLive));
        moved += done.filter(Boolean).length;
        position = (page.at(-1)?.sequence ?? to) + 1;
      }
      return moved;
    } finally {
      pager.close();
    }
  };
  const moveIfLive = async (message: Message): Promise<boolean> => {
    if (message.fields[1] === 'd' || keys.isOver(message)) return false;
    const present = await messages.last(message.subject);
    if (present?.sequence !== message.sequence) return false;
    await keys.move(present);
    return true;
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
