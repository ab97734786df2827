import { createHash, randomBytes } from 'node:crypto';
import { InvalidInputError, MeshworkError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { headers, type Msg } from '@nats-io/transport-node';
import { ATTEMPTS, pause } from './ask.ts';
import { type Link, NobodyError } from './link.ts';
import { HEADER, type Message, type Messages, REVISION_HEADER } from './messages.ts';

/** A message for a subject whose last one is at sequence `after`; 0: that has none. */
interface Publication {
  readonly subject: string;
  readonly after: number;
  /** The header's fields behind the id. */
  readonly fields: readonly (string | number)[];
  readonly data: Uint8Array;
  /** Of one that is only moved: its revision, which it keeps. */
  readonly revision?: number;
}

/** Where a message is stored. */
type Stored = Pick<Message, 'sequence' | 'revision'>;

/** Stores messages, each only behind the one its writer knows: so that sending one again can never store it twice. */
export interface Publisher {
  /** An id for a write, that no other has. */
  newId(): string;
  /**
   * Where it is stored; undefined when another message came before it, and it is not stored.
   *
   * @throws {UnavailableError} when it is not stored, {@link UnknownOutcomeError} when nobody knows, {@link InvalidInputError} when it is too large.
   */
  publish(publication: Publication, id?: string): Promise<Stored | undefined>;
}

interface Acknowledgement {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code: number; readonly description: string };
}

const WRONG_LAST_SEQUENCE = 10_071;
/** What the headers take of a message at most, the control line apart. */
const HEADER_BYTES = 512;

/** The largest content of one message. */
export function roomOf(link: Link): number {
  return (link.connection.info?.max_payload ?? 1_048_576) - HEADER_BYTES;
}

/**
 * `replicated`: the stream has several replicas. Servers before 2.9.21 then look at the last sequence before they agree on a message, so that two that
 * come at once may both be stored (nats-server issue 4320). So each is also named by the place it wants, and of two with one name one is stored.
 */
export function createPublisher(link: Link, messages: Messages, replicated: boolean): Publisher {
  const process = randomBytes(9).toString('base64url');
  let count = 0;
  const newId = () => `${process}-${(++count).toString(36)}`;

  /** The first message behind the one we knew, and whether it is ours. */
  const find = async ({ subject, after }: Publication, id: string): Promise<{ readonly ours: Stored | undefined } | undefined> => {
    const found = await messages.next(subject, after + 1);
    return found && { ours: found.fields[0] === id ? found : undefined };
  };
  return {
    newId,
    async publish(publication, id = newId()) {
      const { subject, after, fields, data, revision } = publication;
      if (data.length > roomOf(link))
        throw new InvalidInputError(`the value takes ${data.length} bytes, and the server takes ${roomOf(link)} (its max_payload)`);
      const options = headers();
      options.set('Nats-Expected-Last-Subject-Sequence', String(after));
      options.set(HEADER, [id, ...fields].join(' '));
      if (revision !== undefined) options.set(REVISION_HEADER, String(revision));
      if (replicated) options.set('Nats-Msg-Id', placeOf(publication));
      const until = performance.now() + link.timeoutMs;
      let uncertain = false;
      for (;;) {
        let reason: unknown;
        try {
          const { seq = 0, duplicate, error } = read(await link.request(subject, data, { headers: options, timeoutMs: Math.ceil(link.timeoutMs / ATTEMPTS) }));
          // A refusal has a sequence as well: 0.
          if (error === undefined && seq > 0 && duplicate !== true) return { sequence: seq, revision: revision ?? seq };
          if (error?.err_code === WRONG_LAST_SEQUENCE && !uncertain) return undefined;
          if (error === undefined || error.err_code === WRONG_LAST_SEQUENCE) {
            const found = await find(publication, id);
            if (found !== undefined) return found.ours;
            if (error !== undefined) return undefined;
            // One that wanted this place had it, and is deleted by now.
            if (after === 0 && seq > 0) options.set('Nats-Msg-Id', `${placeOf(publication)}-${seq}`);
            reason = new Error('another write to the same place is under way');
          } else {
            if (!uncertain) throw new UnavailableError(`JetStream cannot write: ${error.description}; nothing was changed`);
            reason = error.description;
          }
        } catch (cause) {
          // Before the first attempt was sent, or with its refusal, nothing is uncertain.
          if (!uncertain && MeshworkError.isInstance(cause)) throw cause;
          if (!(cause instanceof NobodyError || MeshworkError.isInstance(cause))) uncertain = true;
          reason = cause;
        }
        const left = until - performance.now();
        if (left <= 0 || link.closing.aborted) throw failure(uncertain, reason);
        await link.whenUp(left);
        await pause();
      }
    },
  };
}

/** Of a store that is only looked at. */
export const refusingPublisher: Publisher = {
  newId: () => '',
  publish: () => Promise.reject(new UnavailableError('the store was opened for reading only; nothing was changed')),
};

/** The place a message wants, as a name of its own in the stream: a sequence belongs to one subject. */
function placeOf({ subject, after }: Publication): string {
  return after > 0 ? String(after) : `0-${createHash('sha256').update(subject).digest('base64url')}`;
}

function read(answer: Msg): Acknowledgement {
  return answer.json<Acknowledgement>();
}

function failure(uncertain: boolean, cause: unknown): Error {
  return uncertain
    ? new UnknownOutcomeError('NATS gave no answer to a write, which may or may not be done; look before you retry', { cause })
    : new UnavailableError('nobody takes writes: the stream has no leader now; nothing was changed, retry later', { cause });
}
