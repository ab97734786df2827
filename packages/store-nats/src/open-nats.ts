import { type Clock, joinPorts, type Store, systemClock } from '@meshwork/core';
import { connectionOptionsOf } from './connection-options.ts';
import { openLink } from './link.ts';
import { createMessages, type Messages } from './messages.ts';
import { createNatsJournal } from './nats-journal.ts';
import { createNatsKeyValueStore } from './nats-key-value-store.ts';
import type { Parts } from './parts.ts';
import { createPublisher, refusingPublisher } from './publisher.ts';
import { createServerClock } from './server-clock.ts';
import { openStreams } from './streams.ts';

export interface NatsOptions {
  /** `nats://user:password@host:port`, or `tls://…`; several servers of one cluster are parted by commas. */
  readonly url: string;
  /** What the streams' names and subjects begin with: letters, digits, `_` and `-`. Stores of one account are told apart by it. Default `meshwork`. */
  readonly name?: string;
  /** Servers that keep each message, for streams that are made now: 1, 3 or 5. Default 1. */
  readonly replicas?: 1 | 3 | 5;
  /** The text of a credentials file (`.creds`), for servers that ask for one. */
  readonly credentials?: string;
  /** Milliseconds an operation may take; what begins while there is no connection fails at once. Default 10,000. */
  readonly timeoutMs?: number;
  /** Looks at a store that is there: makes none, writes nothing, and refuses whatever would need it. Default false. */
  readonly readOnly?: boolean;
  /** Decides when keys expire and what time records carry. Default: the server's clock, which is one for all hubs. */
  readonly clock?: Clock;
}

/**
 * Opens both ports on NATS JetStream, which any number of processes may share. A connection that is lost is made again by itself.
 *
 * @throws {UnavailableError} when no server can be reached or JetStream cannot make the streams, {@link NotFoundError} when it was to be read only and is not there, {@link StoreFormatError} when the streams of that name
 * are not ours, TypeError when the name or the URL is none.
 */
export async function openNats({
  url,
  name = 'meshwork',
  replicas = 1,
  credentials,
  timeoutMs = 10_000,
  readOnly = false,
  clock,
}: NatsOptions): Promise<Store & AsyncDisposable> {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name))
    throw new TypeError(`the name ${JSON.stringify(name)} must be 1 to 64 letters, digits, "_" or "-", as in "meshwork"`);
  const link = await openLink(connectionOptionsOf(url, credentials, timeoutMs), timeoutMs);
  try {
    const streams = await openStreams(link, name, readOnly ? undefined : replicas);
    const publisherOf = (messages: Messages) => (readOnly ? refusingPublisher : createPublisher(link, messages, !streams.single));
    const noteMessages = createMessages(link, streams.notes, streams.single);
    const notes = { root: `${name}.notes`, messages: noteMessages, publisher: publisherOf(noteMessages) };
    const serverClock = clock === undefined && !readOnly ? await createServerClock(notes) : undefined;
    const time = clock ?? serverClock ?? systemClock;
    const partsOf = (stream: string, root: string): Parts => {
      const messages = createMessages(link, stream, streams.single);
      return { link, stream, root, messages, publisher: publisherOf(messages), notes, now: () => time.now() };
    };
    const keys = createNatsKeyValueStore(partsOf(streams.keys, `${name}.keys`));
    const journal = createNatsJournal(partsOf(streams.journal, `${name}.journal`));
    let closed: Promise<void> | undefined;
    const close = () => {
      closed ??= (async () => {
        serverClock?.close();
        await Promise.all([keys.close(), journal.close()]);
        await link.close();
      })();
      return closed;
    };
    // One server syncs its files every two minutes (`sync_interval`); of three, two have each message.
    const durability = streams.single ? 'may-lose-acknowledged' : 'durable';
    return { ...joinPorts(keys, journal, close), durability };
  } catch (error) {
    await link.close();
    throw error;
  }
}
