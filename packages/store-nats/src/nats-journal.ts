import { ClosedError, checkName, type Journal, type JournalRecord } from '@meshwork/core';
import { callApi } from './api.ts';
import { createBatchAppender, endOf } from './batch-appender.ts';
import { createGate } from './gate.ts';
import { listStreams } from './list-streams.ts';
import type { Parts } from './parts.ts';
import { patiently } from './patiently.ts';
import { type BatchReader, createBatchReader, findStart, recordsOf } from './record-reader.ts';
import { tokenOf } from './subjects.ts';
import { toContent } from './value.ts';

/** A consumer that died with its server is noticed after about this. */
const WAIT_MS = 2_000;

/** A stream is a subject; a message holds the records of an append, or of several, and is stored only behind the one its writer knows. */
export function createNatsJournal(parts: Parts): Journal {
  const { link, stream: journal, root, messages, notes } = parts;
  const subjectOf = (stream: string) => `${root}.${tokenOf(stream)}`;
  const gate = createGate();
  const appender = createBatchAppender(parts, gate, subjectOf);
  let closed = false;

  const enter = (stream: string) => {
    if (closed) throw new ClosedError('the store is closed');
    checkName('stream', stream);
  };
  const noteOf = async (stream: string) => notes.messages.last(`${notes.root}.trim.${tokenOf(stream)}`);
  /** The first offset that was not trimmed. */
  const oldestOf = async (stream: string) => Number((await noteOf(stream))?.fields[1] ?? 1);

  return {
    async append(stream, values, { expected } = {}) {
      enter(stream);
      const records = values.map(toContent);
      if (records.length === 0 && expected === undefined) return [];
      const first = await appender.append(stream, records, expected);
      return records.map((_, index) => first + index);
    },
    async appendPast(stream, records, { expected }) {
      enter(stream);
      // A message has one time. All are sent in their order; behind one that fails each is refused.
      const appends: Promise<number>[] = [];
      for (let start = 0; start < records.length; ) {
        const time = Math.floor(records[start]?.time ?? 0);
        let end = start;
        while (end < records.length && Math.floor(records[end]?.time ?? 0) === time) end += 1;
        const contents = records.slice(start, end).map(({ value }) => toContent(value));
        appends.push(appender.append(stream, contents, expected + start, time));
        start = end;
      }
      if (appends.length === 0) appends.push(appender.append(stream, [], expected));
      for (const append of await Promise.allSettled(appends)) if (append.status === 'rejected') throw append.reason;
      return records.map((_, index) => expected + 1 + index);
    },
    async *read(stream, { from = 1, limit = Number.POSITIVE_INFINITY } = {}) {
      enter(stream);
      const subject = subjectOf(stream);
      const [last, oldest] = await Promise.all([messages.last(subject), oldestOf(stream)]);
      const { head, sequence } = endOf(last);
      const first = Math.max(1, Math.ceil(from), oldest);
      if (first > head || limit <= 0) return;
      const reader = createBatchReader(parts, subject, await findStart(messages, subject, first, last));
      let left = Math.min(limit, head - first + 1);
      try {
        while (left > 0) {
          const page = await reader.next();
          for (const record of recordsOf(page.batches, first)) {
            yield record;
            enter(stream);
            if (--left <= 0) return;
          }
          if (page.sequence === undefined || page.sequence >= sequence) return;
        }
      } finally {
        reader.close();
      }
    },
    async *follow(stream, { from, signal } = {}) {
      enter(stream);
      const subject = subjectOf(stream);
      let position = from === undefined ? undefined : Math.max(1, Math.ceil(from));
      let reader: BatchReader | undefined;
      const next = async (): Promise<readonly JournalRecord[]> => {
        if (reader === undefined) {
          const last = position === undefined ? await gate.ask(() => messages.last(subject)) : await messages.last(subject);
          position ??= endOf(last).head + 1;
          position = Math.max(position, await oldestOf(stream));
          reader = createBatchReader(parts, subject, await findStart(messages, subject, position, last));
        }
        let page = await reader.next();
        if (page.sequence === undefined) page = await reader.next({ waitMs: WAIT_MS, signal });
        const records = [...recordsOf(page.batches, position ?? 1)];
        position = (records.at(-1)?.offset ?? (position ?? 1) - 1) + 1;
        return records;
      };
      try {
        yield* patiently(next, link, signal);
      } finally {
        reader?.close();
      }
    },
    async head(stream) {
      enter(stream);
      return endOf(await messages.last(subjectOf(stream))).head;
    },
    async *streams(prefix = '') {
      if (closed) throw new ClosedError('the store is closed');
      yield* await listStreams(parts, prefix);
    },
    async trim(stream, before) {
      enter(stream);
      const subject = subjectOf(stream);
      const last = await messages.last(subject);
      const oldest = Math.min(Math.ceil(before), endOf(last).head + 1);
      if (last === undefined || !(oldest > 1)) return;
      for (;;) {
        const note = await noteOf(stream);
        if (Number(note?.fields[1] ?? 1) >= oldest) break;
        const publication = { subject: `${notes.root}.trim.${tokenOf(stream)}`, after: note?.sequence ?? 0, fields: [oldest], data: new Uint8Array() };
        if ((await notes.publisher.publish(publication)) !== undefined) break;
      }
      // The last message stays: it knows the head.
      const keep = Math.min(await findStart(messages, subject, oldest, last), last.sequence);
      if (keep > 1) await callApi(link, `STREAM.PURGE.${journal}`, { filter: subject, seq: keep });
    },
    async close() {
      closed = true;
      await appender.idle();
    },
  };
}
