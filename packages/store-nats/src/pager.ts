import { randomBytes } from 'node:crypto';
import { UnavailableError } from '@meshwork/core';
import { createInbox, type Msg } from '@nats-io/transport-node';
import { ApiError, callApi } from './api.ts';
import { ATTEMPTS } from './ask.ts';
import type { Link } from './link.ts';
import { HEADER, type Message, REVISION_HEADER } from './messages.ts';

/** A message on its way through a stream. */
export interface Passing extends Message {
  /** How many more there were when it was sent. */
  readonly pending: number;
  /** Bytes of the content, also where that itself is left out. */
  readonly size: number;
}

/** Goes through a stream in order, in pages. Where its consumer is lost it makes another, and goes on behind what it gave. */
export interface Pager {
  /** The next messages, at most `most`; with `waitMs` it waits so long for the first. @throws {UnavailableError} */
  page(most: number, options?: { readonly waitMs?: number; readonly signal?: AbortSignal | undefined }): Promise<readonly Passing[]>;
  close(): void;
}

export interface PagerOptions {
  readonly link: Link;
  readonly stream: string;
  /** Undefined: all subjects. Old servers then need not look for those that match. */
  readonly filter?: string;
  /** The first sequence. Undefined: the last message of each subject, and what comes after. */
  readonly from?: number;
  readonly headersOnly?: boolean;
}

const NANOSECONDS = 1_000_000;
/** What was there may be deleted meanwhile: then a page ends here. */
const GATHER_MS = 1_000;
const INACTIVE_MS = 60_000;
const BAD_REQUEST = 400;
const NAME_IN_USE = 10_013;

export function createPager({ link, stream, filter, from, headersOnly = false }: PagerOptions): Pager {
  let consumer: string | undefined;
  let next = from;
  let delivered = 0;
  /** How many there are at least, behind what was given. */
  let ahead = 0;
  const mostBytes = 4 * (link.connection.info?.max_payload ?? 1_048_576);

  const make = async (): Promise<string> => {
    delivered = 0;
    ahead = 0;
    const start = next === undefined ? { deliver_policy: 'last_per_subject' } : { deliver_policy: 'by_start_sequence', opt_start_seq: Math.max(1, next) };
    const config = {
      ...start,
      ...(filter !== undefined && { filter_subject: filter }),
      ack_policy: 'none',
      replay_policy: 'instant',
      headers_only: headersOnly,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: INACTIVE_MS * NANOSECONDS,
    };
    // Named by us: a server that is slow may be asked again, and makes one.
    const name = randomBytes(12).toString('hex');
    try {
      await callApi(link, `CONSUMER.CREATE.${stream}.${name}`, { stream_name: stream, config: { ...config, name } });
      return name;
    } catch (cause) {
      if (cause instanceof ApiError && cause.code === NAME_IN_USE) return name;
      if (cause instanceof ApiError) throw new UnavailableError(`JetStream makes no consumer: ${cause.message}; retry later`, { cause });
      throw cause;
    }
  };
  const forget = () => {
    const old = consumer;
    consumer = undefined;
    if (old !== undefined && !link.connection.isClosed()) link.connection.publish(`$JS.API.CONSUMER.DELETE.${stream}.${old}`);
  };
  return {
    async page(most, { waitMs = 0, signal } = {}) {
      link.check();
      if (signal?.aborted) return [];
      consumer ??= await make();
      const got: Passing[] = [];
      // Never more than there are: what comes later would answer a request that nobody waits for any more.
      const count = Math.max(1, Math.min(most, ahead));
      const ended = await pull(
        link,
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
        { count, mostBytes, waitMs: count > 1 ? GATHER_MS : waitMs, signal },
        (message, place) => {
          // One that is not the next was lost on the way: what follows is asked for again.
          if (place !== delivered + 1) return false;
          delivered = place;
          got.push(message);
          return true;
        },
      );
      if (ended === 'lost') {
        forget();
        if (from === undefined) throw new UnavailableError('a listing of NATS was cut off; begin it anew');
      }
      const last = got.at(-1);
      ahead = last?.pending ?? 0;
      if (last !== undefined && from !== undefined) next = last.sequence + 1;
      return got;
    },
    close: forget,
  };
}

interface Pull {
  readonly count: number;
  readonly mostBytes: number;
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One pull request. It ends with the number asked for, or with a word of the server. */
function pull(
  link: Link,
  subject: string,
  { count, mostBytes, waitMs, signal }: Pull,
  take: (message: Passing, place: number) => boolean,
): Promise<'done' | 'lost'> {
  if (signal?.aborted || link.closing.aborted) return Promise.resolve('done');
  return new Promise((resolve) => {
    let left = count;
    const inbox = createInbox();
    const end = (how: 'done' | 'lost') => {
      clearTimeout(timer);
      stop();
      signal?.removeEventListener('abort', abort);
      link.closing.removeEventListener('abort', abort);
      if (!link.connection.isClosed()) subscription.unsubscribe();
      resolve(how);
    };
    // What is on its way then would be lost, so that the consumer is given up.
    const abort = () => end('lost');
    const stop = link.onLoss(abort);
    const timer = setTimeout(abort, waitMs + link.timeoutMs / ATTEMPTS);
    const subscription = link.connection.subscribe(inbox, {
      callback(error, message) {
        if (error !== null) return end('lost');
        const status = message.headers?.code ?? 0;
        // 404 and 408: there is no more; 409: the page is full, or the consumer is gone.
        if (status >= BAD_REQUEST) return end(status === 404 || status === 408 || /max_?bytes/i.test(message.headers?.description ?? '') ? 'done' : 'lost');
        if (status !== 0) return;
        const { message: passing, place } = toPassing(message);
        if (!take(passing, place)) return end('lost');
        if (--left === 0) end('done');
      },
    });
    signal?.addEventListener('abort', abort, { once: true });
    link.closing.addEventListener('abort', abort, { once: true });
    const wait = waitMs > 0 ? { expires: waitMs * NANOSECONDS } : { no_wait: true };
    link.connection.publish(subject, JSON.stringify({ batch: count, ...(count > 1 && { max_bytes: mostBytes }), ...wait }), { reply: inbox });
  });
}

/** Reads `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<sequence>.<place>.<time>.<pending>[.<token>]`. */
function toPassing(message: Msg): { readonly message: Passing; readonly place: number } {
  const tokens = (message.reply ?? '').split('.');
  const at = tokens.length > 9 ? 4 : 2;
  const fields = message.headers?.get(HEADER).split(' ') ?? [];
  const size = Number(message.headers?.get('Nats-Msg-Size') || message.data.length);
  const sequence = Number(tokens[at + 3]);
  return {
    message: {
      subject: message.subject,
      sequence,
      revision: Number(message.headers?.get(REVISION_HEADER)) || sequence,
      fields,
      data: message.data,
      time: Number(tokens[at + 5]) / NANOSECONDS,
      pending: Number(tokens[at + 6]),
      size,
    },
    place: Number(tokens[at + 4]),
  };
}
