import { InvalidInputError, refuseStaleStream, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import type { Gate } from './gate.ts';
import type { Message } from './messages.ts';
import type { Parts } from './parts.ts';
import { roomOf } from './publisher.ts';
import { pack, partOf, sizeOf } from './record-batch.ts';
import type { Content } from './value.ts';

/** Appends that come while a batch is on its way go together in the next, in their order and each with an outcome of its own. */
export interface BatchAppender {
  /** The first of the offsets. `time`: that of the records, when it is not now. */
  append(stream: string, records: readonly Content[], expected: number | undefined, time?: number): Promise<number>;
  idle(): Promise<void>;
}

/** The end of a stream, and the sequence of its last message. */
interface End {
  readonly sequence: number;
  readonly head: number;
}

interface Waiting {
  readonly records: readonly Content[];
  readonly expected: number | undefined;
  readonly time: number | undefined;
  readonly resolve: (first: number) => void;
  readonly reject: (error: unknown) => void;
}

interface Queue {
  state: End | undefined;
  waiting: Waiting[];
  running: Promise<void> | undefined;
}

/** Streams that are remembered; those under way come on top. */
const REMEMBERED = 1_000;

export function endOf(message: Message | undefined): End {
  if (message === undefined) return { sequence: 0, head: 0 };
  const { first, total, part, parts } = partOf(message);
  return { sequence: message.sequence, head: part === parts - 1 ? first + total - 1 : first - 1 };
}

export function createBatchAppender({ link, messages, publisher, now }: Parts, gate: Gate, subjectOf: (stream: string) => string): BatchAppender {
  const queues = new Map<string, Queue>();

  const send = async (stream: string, queue: Queue): Promise<void> => {
    const batch = queue.waiting.slice(0, lengthOfBatch(queue.waiting, roomOf(link)));
    queue.waiting = queue.waiting.slice(batch.length);
    try {
      for (let fresh = false; ; ) {
        if (queue.state === undefined) {
          queue.state = endOf(await messages.last(subjectOf(stream)));
          fresh = true;
        }
        const end = queue.state;
        const { accepted, refused, records } = sort(batch, end.head);
        // What others did meanwhile shows when storing fails; a refusal, though, needs what is true now.
        if (refused.length > 0 && !fresh) {
          queue.state = undefined;
          continue;
        }
        queue.state = await store(subjectOf(stream), end, records, batch[0]?.time ?? now());
        if (queue.state === undefined) continue;
        for (const { one, present } of refused) refuse(stream, one, present);
        for (const { one, first } of accepted) one.resolve(first);
        return;
      }
    } catch (error) {
      queue.state = undefined;
      for (const { reject } of batch) reject(error);
    }
  };
  /** Stores a batch behind the end it knows; undefined when that is another by now. */
  const store = async (subject: string, end: End, records: readonly Content[], time: number): Promise<End | undefined> => {
    if (records.length === 0) return end;
    const packed = pack(records, roomOf(link));
    const id = publisher.newId();
    let after: number | undefined = end.sequence;
    let at = end.head + 1;
    for (const [part, { data, count }] of packed.entries()) {
      const fields = [end.head + 1, records.length, time, part, packed.length, at];
      try {
        after = (await publisher.publish({ subject, after, fields, data }, id))?.sequence;
      } catch (cause) {
        if (!(cause instanceof UnknownOutcomeError) || part === packed.length - 1) throw cause;
        throw new UnavailableError('NATS gave no answer before all parts of an append were there; nothing was appended, retry later', { cause });
      }
      if (after === undefined) return undefined;
      at += count;
    }
    return { sequence: after, head: end.head + records.length };
  };

  const run = async (stream: string, queue: Queue): Promise<void> => {
    // What is called in one turn goes together.
    await undefined;
    while (queue.waiting.length > 0) {
      if (gate.open !== undefined) await gate.open;
      await send(stream, queue);
    }
    queue.running = undefined;
  };
  const queueOf = (stream: string): Queue => {
    let queue = queues.get(stream);
    if (queue === undefined) {
      if (queues.size > REMEMBERED) for (const [name, { running }] of queues) if (running === undefined) queues.delete(name);
      queue = { state: undefined, waiting: [], running: undefined };
      queues.set(stream, queue);
    }
    return queue;
  };

  return {
    async append(stream, records, expected, time) {
      const room = roomOf(link);
      for (const record of records)
        if (sizeOf(record) > room)
          throw new InvalidInputError(`a record takes ${sizeOf(record)} bytes, and the server takes ${room} (its max_payload); make it smaller`);
      const queue = queueOf(stream);
      return new Promise((resolve, reject) => {
        queue.waiting.push({ records, expected, time, resolve, reject });
        queue.running ??= run(stream, queue);
      });
    },
    async idle() {
      for (const { running } of [...queues.values()]) await running;
    },
  };
}

/** How many of those who wait go together: as many as fit one message, which has one time, and at least one. */
function lengthOfBatch(waiting: readonly Waiting[], room: number): number {
  let bytes = 0;
  let length = 0;
  for (const { records, time } of waiting) {
    if (time !== waiting[0]?.time) break;
    for (const record of records) bytes += sizeOf(record);
    if (length > 0 && bytes > room) break;
    length += 1;
  }
  return length;
}

/** Who of those that wait may append behind the head, where, and what. */
function sort(waiting: readonly Waiting[], head: number) {
  const accepted: { readonly one: Waiting; readonly first: number }[] = [];
  const refused: { readonly one: Waiting; readonly present: number }[] = [];
  const records: Content[] = [];
  for (const one of waiting) {
    const present = head + records.length;
    if (one.expected !== undefined && one.expected !== present) refused.push({ one, present });
    else {
      accepted.push({ one, first: present + 1 });
      for (const record of one.records) records.push(record);
    }
  }
  return { accepted, refused, records };
}

function refuse(stream: string, { expected, reject }: Waiting, present: number): void {
  try {
    refuseStaleStream(stream, present, expected);
  } catch (error) {
    reject(error);
  }
}
